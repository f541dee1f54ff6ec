// Markdown for a pipeline's step summary: under 100 KB, whatever the run recorded.
#pragma once

#include <string>

#include "experiments/report/record.h"

namespace blackstart {

std::string to_markdown(const JudgedRun& run);

}  // namespace blackstart
