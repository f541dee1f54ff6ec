// How long after a fault's start or stop the probe was well again, for good.
//
// Detected: the first observation after the event that is not ok. Recovered: the start of the first ok stretch after that
// whose observations reach over `hold`; a failure after it, before the window ends, is a relapse and deviates. Never not ok
// for `hold` and longer: 0 s, undisturbed. A silence of the probe longer than three of its intervals and a fifth of `hold`
// could hide a failure: nothing holds across it. Source: the outage of a content network on 18 November 2025, where a good and a bad
// file in turn looked like recovery again and again.
#pragma once

#include "experiments/expectations/expectation.h"
#include "experiments/expectations/finding.h"
#include "experiments/expectations/windows.h"

namespace blackstart {

// `event`: when the fault started or stopped (condition.fault, condition.stop), as recorded; nullopt if it is not.
// Looked at is what follows it in the first span of the evidence that ends after it.
Finding judge(const RecoversWithin& condition, const Evidence& evidence, std::optional<Time> event);

}  // namespace blackstart
