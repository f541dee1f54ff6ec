// The value (an answer set, a text, how many a pool has) is never empty: no members, no characters, 0. One that is deviates, whatever
// else is missing; without one it holds only if at most 5% of the observations, missing ones included, have no value.
// Source: 19 October 2025 in us-east-1, where the record of a database's front door went empty.
#pragma once

#include "experiments/expectations/expectation.h"
#include "experiments/expectations/finding.h"
#include "experiments/expectations/windows.h"

namespace blackstart {

Finding judge(const NeverEmpty& condition, const Evidence& evidence);

}  // namespace blackstart
