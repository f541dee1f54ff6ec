// From an expectation to what is found of it: which part of the history each condition is judged by.
#pragma once

#include "experiments/expectations/finding.h"
#include "experiments/expectations/windows.h"
#include "experiments/experiment.h"

namespace blackstart {

Finding find(const Expectation& expectation, const Experiment& experiment, const Timeline& timeline);

}  // namespace blackstart
