// A count (a number, or how many members a set has: primaries, holders of an address) is always the one that is asked for.
// One other value deviates, whatever else is missing. Source: September 2012, when two nodes that had lost each other's
// heartbeats fenced each other.
#pragma once

#include "experiments/expectations/expectation.h"
#include "experiments/expectations/finding.h"
#include "experiments/expectations/windows.h"

namespace blackstart {

Finding judge(const Exactly& condition, const Evidence& evidence);

}  // namespace blackstart
