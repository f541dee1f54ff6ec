// How often a value was put back to what it had been just before: A, B, A. Of consecutive distinct values v, each i with
// v[i] = v[i−2] is one undo. A change that arming or disarming caused (a fault began or ended after the last observation of the
// old value had started, and before the first one of the new value was over) is left out: what was before it is forgotten.
// Observations that overlap make no change of their order (values.h). Each span of the window is looked at on its own. An own
// measure, of automata that undo each other (the drill racing-fixers).
#pragma once

#include "experiments/expectations/expectation.h"
#include "experiments/expectations/finding.h"
#include "experiments/expectations/windows.h"

namespace blackstart {

// `faults_changed`: when faults began or ended, in order.
Finding judge(const MaxUndos& condition, const Evidence& evidence, const std::vector<Time>& faults_changed);

}  // namespace blackstart
