// The share of ok observations, by its Wilson interval: held if all of it is inside the limit, deviated if all is outside.
// What is missing counts against either answer.
#pragma once

#include "experiments/expectations/expectation.h"
#include "experiments/expectations/finding.h"
#include "experiments/expectations/windows.h"

namespace blackstart {

Finding judge(const SuccessLimit& condition, const Evidence& evidence);

}  // namespace blackstart
