// The injection of every network fault that acts in its own program (injector/bpf/network.bpf.h): a bit of its own in the
// namespace, the match, and the way on and off the interfaces.
#pragma once

#include <optional>

#include "injector/bpf/stack.h"
#include "injector/kernel/stack.h"
#include "injector/match_rules.h"
#include "injector/observed.h"
#include "injector/packet_injection.h"
#include "injector/passage.h"

namespace blackstart {

// Whether every connection that matches is meant: no share, no cycle and no cgroup says which.
inline bool all_at_once(const Target& target, const Terms& terms) {
    return terms.probability >= 1 && !terms.cycle && target.cgroup.id == 0;
}

template <class Skeleton> class NetworkInjection : public Injection {
public:
    // `what` names the fault in errors and must be a literal. Throws Misuse, Unfit.
    NetworkInjection(const char* what, const Match& match, const Target& target, const Terms& terms)
        : rules_(match, target), packets_(what, target, terms), observed_(match) {
        check_scope(match, target);
    }

    // The skeleton: the kind's own rodata, before load().
    Skeleton* operator->() { return packets_.operator->(); }
    void load(const Match& match, const Target& target) {
        rules_.before_load(*packets_.operator->());
        observed_.before_load(*packets_.operator->(), target);
        packets_.load();
        rules_.after_load(*packets_.operator->());
        for (const auto& interface : target.interfaces) {
            if (interface.loopback || match.direction != Match::Way::ingress) packets_.place(interface, Direction::egress);
            if (!interface.loopback && match.direction != Match::Way::egress) packets_.place(interface, Direction::ingress);
        }
    }
    // As soon as it acts, the connections that match are destroyed; they count as hits.
    void destroy_established() { destroys_ = true; }

    void attach(const Target& target) override {
        observed_.attach(*packets_.operator->(), target);
        packets_.attach(target);
    }
    void arm(const Target& target) override {
        slot_.emplace(target.netns_inode);
        packets_->bss->stack = kernel_stack(*slot_);
        packets_.arm(target);
        // Afterwards: the RST that goes with it stays on this side.
        if (destroys_) hits_ = destroy_connections(target.netns.get(), [&](const TcpFlow& flow) { return rules_.concern(flow); });
    }
    void disarm() override { packets_.disarm(); }
    bool renew() override { return packets_.renew(); }
    [[nodiscard]] Tally tally() const override {
        Tally tally = packets_.tally();
        tally.matched += hits_;
        tally.hits += hits_;
        return tally;
    }
    [[nodiscard]] std::string how() const override { return packets_.how(); }
    void footprint(Footprint& footprint) const override {
        packets_.footprint(footprint);
        observed_.footprint(footprint);
    }

private:
    // In this order: the links go before the bit is given back.
    const MatchRules rules_;
    std::optional<StackSlot> slot_;
    PacketInjection<Skeleton> packets_;
    Observed observed_;
    bool destroys_ = false;
    std::uint64_t hits_ = 0;  // that were made from here, beside the program's
};

}  // namespace blackstart
