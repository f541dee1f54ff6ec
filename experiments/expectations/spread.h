// A herd: highest second after the trigger (a fault's start or stop) ÷ mean baseline second (arrivals.h). Clients that come back
// all at once, without jitter in their back-off, make one high second; those that spread make none. The second in which the
// trigger falls counts. Source: M. Brooker, "Exponential Backoff And Jitter", 2015.
#pragma once

#include "experiments/expectations/arrivals.h"

namespace blackstart {

// `trigger`: when it was, as recorded; nullopt if it is not.
Finding judge(const Spread& condition, const Counts& counts, const Counts& baseline, std::optional<Time> trigger);

}  // namespace blackstart
