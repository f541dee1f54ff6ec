// Whether two faults of a file can meet, whatever their kind.
#pragma once

#include <algorithm>
#include <vector>

#include "experiments/experiment.h"

namespace blackstart {

// Two lists have a value in common; an empty one stands for every value.
template <class T> bool share_one(const std::vector<T>& one, const std::vector<T>& other) {
    if (one.empty() || other.empty()) return true;
    return std::ranges::any_of(one, [&](const T& value) { return std::ranges::find(other, value) != other.end(); });
}

bool at_one_time(const PlannedFault& one, const PlannedFault& other);
// On one target, or both on the host itself.
bool same_place(const PlannedFault& one, const PlannedFault& other);

}  // namespace blackstart
