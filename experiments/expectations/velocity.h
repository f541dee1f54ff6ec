// How much is taken away how fast: the sum of the decreases in any `per`, (t − per, t], over the median of the baseline's
// values. What comes back in between counts for nothing. A decrease belongs to the observation that first shows it; of a set it
// is the number of members that are gone, of an amount the difference. Observations that overlap make no decrease of their order
// (values.h). Each span of the window is looked at on its own.
// Source: the velocity control that was announced after 20 October 2025 for capacity which health checks remove.
#pragma once

#include "experiments/expectations/expectation.h"
#include "experiments/expectations/finding.h"
#include "experiments/expectations/windows.h"

namespace blackstart {

// `baseline`: what the probe saw before t0.
Finding judge(const Velocity& condition, const Evidence& evidence, const Evidence& baseline);

}  // namespace blackstart
