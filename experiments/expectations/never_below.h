// An amount (a number, or how many members a set has) is never under a floor: a number as it is, or a share of the median of
// the baseline's values. One value under it deviates. Without a baseline that can be read, a share says nothing. Source: 4 October 2021,
// when all DNS servers of a network, working, withdrew their own announcements.
#pragma once

#include "experiments/expectations/expectation.h"
#include "experiments/expectations/finding.h"
#include "experiments/expectations/windows.h"

namespace blackstart {

// `baseline`: what the probe saw before t0; a share is one of its median.
Finding judge(const NeverBelow& condition, const Evidence& evidence, const Evidence& baseline);

}  // namespace blackstart
