// How often the probe changed from ok to not ok or back. Each span of the window is looked at on its own. Every missing
// observation could hide two changes: they count against an answer of held. Source: the health checks of 20 October 2025, which failed and
// passed in turn, and took capacity out and put it back each time.
#pragma once

#include "experiments/expectations/expectation.h"
#include "experiments/expectations/finding.h"
#include "experiments/expectations/windows.h"

namespace blackstart {

Finding judge(const MaxTransitions& condition, const Evidence& evidence);

}  // namespace blackstart
