#include "experiments/parse/overlap.h"

namespace blackstart {

bool at_one_time(const PlannedFault& one, const PlannedFault& other) {
    return one.at < other.at + other.terms.duration && other.at < one.at + one.terms.duration;
}

bool same_place(const PlannedFault& one, const PlannedFault& other) {
    if (one.targets.empty() || other.targets.empty()) return one.targets.empty() && other.targets.empty();
    return share_one(one.targets, other.targets);
}

}  // namespace blackstart
