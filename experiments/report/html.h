// One self-contained HTML page that works offline: the verdict, a timeline of faults, probes and values, the raw events. It loads
// nothing and asks nothing; what comes from a file or a server stays text. Charts: uPlot (MIT), inlined when it is built.
#pragma once

#include <string>

#include "experiments/report/record.h"

namespace blackstart {

std::string to_html(const JudgedRun& run);

}  // namespace blackstart
