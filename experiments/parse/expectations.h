// The conditions of expectations, described.
#pragma once

#include <string>
#include <vector>

#include "experiments/expectations/expectation.h"
#include "experiments/parse/keys.h"

namespace blackstart {

// What each condition defines for its own struct, in expectations/<condition>.cpp, as a specialisation: the key of its own
// name, and those that go with it.
template <class C> void describe_condition(Keys& keys, C& condition);

std::vector<std::string> conditions();
// The condition must be one of conditions().
Condition make_condition(const std::string& name);

// The keys of an expectation with that condition, bound to `expectation`.
Keys expectation_keys(Expectation& expectation);

}  // namespace blackstart
