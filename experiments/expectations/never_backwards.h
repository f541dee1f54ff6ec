// A generation (a number, a text that is one, a set of one such text) is never below one that was observed before it, that is, whose
// reply was there when this observation began: of two that overlap nobody can say which is the older. No stale plan over a newer
// one. One step back deviates, whatever else is missing. Source: the race of 19 October 2025 in us-east-1, where an old DNS plan was
// laid over a newer one.
#pragma once

#include "experiments/expectations/expectation.h"
#include "experiments/expectations/finding.h"
#include "experiments/expectations/windows.h"

namespace blackstart {

Finding judge(const NeverBackwards& condition, const Evidence& evidence);

}  // namespace blackstart
