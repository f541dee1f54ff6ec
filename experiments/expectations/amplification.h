// How much more there was of what a meter counts than in the baseline: highest second ÷ mean baseline second (arrivals.h).
// A second belongs to every window that it touches. Source: retry amplification, (1 − pⁿ)/(1 − p) attempts per call and nᵏ over
// k layers at the worst (Google SRE book, "Addressing Cascading Failures").
#pragma once

#include "experiments/expectations/arrivals.h"

namespace blackstart {

Finding judge(const Amplification& condition, const Counts& counts, const Counts& baseline);

}  // namespace blackstart
