// Why an expectation was not met, in a few lines: what its probe or meter said around the moment that decided, and what came
// just before, meanwhile and just after it on the timeline: faults, other probes' changes, services, i.e. what automation did.
#pragma once

#include <string>
#include <vector>

#include "experiments/expectations/finding.h"
#include "experiments/expectations/windows.h"
#include "experiments/experiment.h"
#include "experiments/history.h"

namespace blackstart {

// At most five lines. None where the finding names no moment. Pure, and independent of the order of the history's lines.
// `timeline`: of that history.
std::vector<std::string> explain(const Expectation& expectation, const Finding& finding, const History& history, const Timeline& timeline);

}  // namespace blackstart
