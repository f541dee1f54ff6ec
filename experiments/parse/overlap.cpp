#include "experiments/parse/overlap.h"

#include <algorithm>
#include <vector>

#include "injector/overlap.h"

namespace blackstart {
namespace {

bool meet(const TargetSpec& one, const TargetSpec& other) {
    return one.netns == other.netns && share_one(one.interface, other.interface) && share_cgroup(one.cgroup, other.cgroup);
}

// Those of a fault's targets that are known; without a word it is the host itself.
std::vector<TargetSpec> specs(const PlannedFault& fault, const Draft& draft) {
    if (fault.targets.empty()) return {TargetSpec{}};
    std::vector<TargetSpec> found;
    for (const auto& [spec, keys, place] : draft.target_tables)
        if (std::ranges::find(fault.targets, spec.name) != fault.targets.end()) found.push_back(spec);
    return found;
}

}  // namespace

bool at_one_time(const PlannedFault& one, const PlannedFault& other) {
    return one.at < other.at + other.terms.duration && other.at < one.at + one.terms.duration;
}

bool same_place(const PlannedFault& one, const PlannedFault& other, const Draft& draft) {
    const auto theirs = specs(other, draft);
    return std::ranges::any_of(specs(one, draft), [&](const TargetSpec& ours) {
        return std::ranges::any_of(theirs, [&](const TargetSpec& spec) { return meet(ours, spec); });
    });
}

}  // namespace blackstart
