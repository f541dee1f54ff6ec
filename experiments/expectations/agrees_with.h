// The share of the time in which two probes, a checker and the data path, say different things: Σ time(one ok ≠ other ok) / total.
// A state holds until the next observation, and before the first one if that comes within three intervals. A silence of more
// than three intervals of either is not known: it counts against either answer. Source: Huang et al., Gray Failure: The Achilles'
// Heel of Cloud-Scale Systems, HotOS 2017 (differential observability).
#pragma once

#include "experiments/expectations/expectation.h"
#include "experiments/expectations/finding.h"
#include "experiments/expectations/windows.h"

namespace blackstart {

// `evidence` and `other` have the same spans.
Finding judge(const AgreesWith& condition, const Evidence& evidence, const Evidence& other);

}  // namespace blackstart
