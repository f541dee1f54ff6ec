// The fault kinds, described: their keys in a file are their options of `inject`.
#pragma once

#include <string>
#include <vector>

#include "experiments/experiment.h"
#include "experiments/parse/keys.h"

namespace blackstart {

// What each kind defines for its own struct, in faults/<kind>.cpp, as a specialisation; a kind without it does not link.
template <class Kind> void describe(Keys& keys, Kind& fault);

// The names of the kinds.
std::vector<std::string> fault_kinds();

// An empty fault of that kind; the kind must be one of fault_kinds().
Fault make_fault(const std::string& kind);

// The keys of a kind, bound to `fault`, its terms included. The checks see both.
Keys fault_keys(PlannedFault& fault);
// Terms that every kind takes: for, cycle, and probability unless the kind has a share of its own.
void describe_terms(Keys& keys, PlannedFault& fault);
// [target.NAME], or the scope options.
void describe_target(Keys& keys, TargetSpec& target);

}  // namespace blackstart
