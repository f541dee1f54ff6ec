// One line a thing: a head with the format, then faults, expectations and events; for scripts.
#pragma once

#include <string>

#include "experiments/report/record.h"

namespace blackstart {

std::string to_ndjson(const JudgedRun& run);

}  // namespace blackstart
