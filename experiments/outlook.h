// While a run goes on: which expectations are lost already.
#pragma once

#include <cstddef>
#include <vector>

#include "experiments/experiment.h"
#include "experiments/history.h"

namespace blackstart {

// The expectations, by index, that would not be held even if all went well from `now` on: each probe ok (or, if that is better, as it is
// now) and in time, its value as it was last, each meter silent, each fault ended as planned. Pure. Empty before t0.
std::vector<std::size_t> lost_expectations(const Experiment& experiment, const History& so_far, Time now);

}  // namespace blackstart
