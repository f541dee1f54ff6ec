// A Chaos Toolkit journal of the run, for what reads those. Source: the journal of the Open Chaos specification.
#pragma once

#include <string>

#include "experiments/report/record.h"

namespace blackstart {

std::string to_chaostoolkit(const JudgedRun& run);

}  // namespace blackstart
