// The programs that follow host names among the peers of a network fault (injector/bpf/observe.bpf.h), on their interfaces.
#pragma once

#include <vector>

#include "injector/bpf/observe.h"
#include "injector/kernel/attachment.h"
#include "injector/kernel/tc_program.h"
#include "injector/match_rules.h"

namespace blackstart {

class Observed {
public:
    explicit Observed(const Match& match) : names_(observed_names(match)) {}

    // Before load(): without names, and for interfaces of the other kind, they are left out.
    template <class Skeleton> void before_load(Skeleton& skeleton, const Target& target) const {
        const auto& all = target.interfaces;
        if (names_.empty() || std::ranges::none_of(all, &Interface::ethernet)) leave_out(skeleton.progs.observe_l2);
        if (names_.empty() || std::ranges::all_of(all, &Interface::ethernet)) leave_out(skeleton.progs.observe_l3);
    }
    // After load(): from here on answers add peers. On `lo` they are seen as they leave. Throws Unfit.
    template <class Skeleton> void attach(Skeleton& skeleton, const Target& target) {
        for (const auto& name : names_) put(skeleton.maps.observed_names, &name.hash, &name.lists);
        if (names_.empty()) return;
        for (const auto& interface : target.interfaces)
            attachments_.emplace_back(descriptor(interface.ethernet ? skeleton.progs.observe_l2 : skeleton.progs.observe_l3),
                                      target.netns.get(), interface.index, interface.loopback ? Direction::egress : Direction::ingress);
    }
    void footprint(Footprint& footprint) const {
        for (const auto& attachment : attachments_) attachment.footprint(footprint);
    }

private:
    std::vector<ObservedName> names_;
    std::vector<Attachment> attachments_;
};

}  // namespace blackstart
