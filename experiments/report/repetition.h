// A repeated experiment, as text and as JSON (summary.json, "blackstart-repeat/1.0").
#pragma once

#include <string>

#include "experiments/repetition.h"

namespace blackstart {

// One run, in one line.
std::string to_line(const RunOfMany& run);
// The share of runs that held with its Wilson interval, and how to run again what did not.
std::string to_text(const Repetition& repetition);
std::string to_json(const Repetition& repetition);

}  // namespace blackstart
