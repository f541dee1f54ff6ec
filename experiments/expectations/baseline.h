// Steady state before t0. It holds when every probe that an expectation names, and that has not baseline = false, was ok in at
// least 95% of its observations, ten at least, and met the success and latency limits that it will be judged by: as plain
// figures, for a baseline is too short to prove them, and only limits that ask for more successes or less latency.
#pragma once

#include <string>

#include "experiments/expectations/windows.h"
#include "experiments/experiment.h"

namespace blackstart {

// Why it does not; "" if it does.
std::string unsteady(const Experiment& experiment, const Timeline& timeline);

}  // namespace blackstart
