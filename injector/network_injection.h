// The injection of every network fault that acts in its own program (injector/bpf/network.bpf.h): a bit of its own in the
// namespace, the match, and the way on and off the interfaces.
#pragma once

#include "injector/bpf/stack.h"
#include "injector/kernel/stack.h"
#include "injector/match.h"
#include "injector/observed.h"
#include "injector/packet_injection.h"

namespace blackstart {

inline ::stack kernel_stack(const StackSlot& slot) { return {.tag = slot.tag(), .bit = slot.bit(), .pad = 0}; }

// Whether every connection that matches is meant: no share, no cycle and no cgroup says which.
inline bool all_at_once(const Target& target, const Terms& terms) {
    return terms.probability >= 1 && !terms.cycle && target.cgroup.id == 0;
}

template <class Skeleton> class NetworkInjection : public Injection {
public:
    // `what` names the fault in errors and must be a literal. Throws Misuse, Unfit.
    NetworkInjection(const char* what, const Match& match, const Target& target, const Terms& terms)
        : rules_(kernel_match(match, target)), slot_(target.netns_inode), packets_(what, target, terms), observed_(match) {
        check_scope(match, target);
        packets_->rodata->match = rules_;
        packets_->rodata->stack = kernel_stack(slot_);
    }

    // The skeleton: the kind's own rodata, before put_in_force().
    Skeleton* operator->() { return packets_.operator->(); }
    [[nodiscard]] const ::match& rules() const { return rules_; }
    void put_in_force(const Match& match, const Target& target) {
        observed_.before_load(*packets_.operator->(), target);
        packets_.load();
        observed_.attach(*packets_.operator->(), target);
        for (const auto& interface : target.interfaces) {
            if (interface.loopback || match.direction != Match::Way::ingress) packets_.attach(target, interface, Direction::egress);
            if (!interface.loopback && match.direction != Match::Way::egress) packets_.attach(target, interface, Direction::ingress);
        }
        packets_.arm();
    }
    // Hits that were made from here, beside the program's.
    void add_hits(std::uint64_t hits) { hits_ += hits; }

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
    const ::match rules_;
    const StackSlot slot_;
    PacketInjection<Skeleton> packets_;
    Observed observed_;
    std::uint64_t hits_ = 0;
};

}  // namespace blackstart
