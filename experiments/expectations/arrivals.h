// What amplification and spread share: the seconds of a meter, held against those of the baseline.
//
// The mean baseline second is Σ count / Σ length over the baseline; the highest second is the greatest count / length of those
// that lasted half a second at least. Nothing is said where the baseline counted fewer than 30 events (its mean is off by a
// third or more), or where its own highest second exceeds the limit.
#pragma once

#include <string>

#include "experiments/expectations/expectation.h"
#include "experiments/expectations/finding.h"
#include "experiments/expectations/windows.h"

namespace blackstart {

// `counts`: the seconds that are judged; `expected`: how long they would be, all together, if none were missing.
Finding judge_arrivals(const Limit& limit, const Counts& counts, std::chrono::nanoseconds expected, const Counts& baseline);

}  // namespace blackstart
