// Whether two conditions can hold at once.
#pragma once

#include <algorithm>
#include <vector>

namespace blackstart {

// Two lists have a value in common; an empty one stands for every value.
template <class T> bool share_one(const std::vector<T>& one, const std::vector<T>& other) {
    if (one.empty() || other.empty()) return true;
    return std::ranges::any_of(one, [&](const T& value) { return std::ranges::find(other, value) != other.end(); });
}

}  // namespace blackstart
