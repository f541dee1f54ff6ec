// Whether each fault really acted, as the history tells it.
#pragma once

#include <string>
#include <vector>

#include "experiments/verdict.h"

namespace blackstart {

// One for each fault and target, in the experiment's order. Proved: armed, acted at least once, and ended when it was to.
std::vector<Proof> proofs(const Experiment& experiment, const History& history);

// Whether a lease lapsed: final, and the run is inconclusive (DESIGN §2, law 2). "" or which.
std::string lapsed(const History& history);

}  // namespace blackstart
