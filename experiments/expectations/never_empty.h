// The value (an answer set, a text) is never empty. One that is deviates, whatever else is missing; without one it holds
// only if at most 5% of the observations, missing ones included, have no value. A number is never empty.
#pragma once

#include "experiments/expectations/expectation.h"
#include "experiments/expectations/finding.h"
#include "experiments/expectations/windows.h"

namespace blackstart {

Finding judge(const NeverEmpty& condition, const Evidence& evidence);

}  // namespace blackstart
