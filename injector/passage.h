// The way through a helper device (kernel/helper.h) and back, for an injection whose program includes injector/bpf/helper.bpf.h.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "injector/bpf/helper.h"
#include "injector/bpf/stack.h"
#include "injector/kernel/helper.h"
#include "injector/kernel/journal.h"
#include "injector/kernel/stack.h"
#include "injector/kernel/tc_program.h"
#include "injector/match_rules.h"
#include "injector/packet_injection.h"

namespace blackstart {

inline ::stack kernel_stack(const StackSlot& slot) { return {.tag = slot.tag(), .bit = slot.bit(), .pad = 0}; }

// To be declared before the program: a dying process closes its newest descriptors first, and links must go before what they lead to.
class Passage {
public:
    // Makes the device: nothing leads to it yet. Its lease and seed are those of the terms. Throws Unfit.
    Passage(const HelperPlan& plan, const Target& target, const Terms& terms);

    template <class Skeleton> void load(PacketInjection<Skeleton>& packets, const Target& target) {
        packets->rodata->helper = kernel_helper(target);
        if (target.cgroup.id != 0) packets.rank(Rank::scoped_helper);
        packets.load();
        held_ = packets->bss->held;
        helper_->attach(target.netns.get(), descriptor(packets->progs.returned), descriptor(packets->progs.reflect));
    }
    // Before the fault is armed. `rules`: of the packets that take this way. Throws Unfit.
    template <class Skeleton> void open(PacketInjection<Skeleton>& packets, const Target& target, const MatchRules& rules) {
        slot_.emplace(target.netns_inode);
        packets->bss->stack = kernel_stack(*slot_);
        open_loopback(target, rules);
    }

    // A line that stands still holds traffic back: its lease is to run out.
    [[nodiscard]] bool working() const { return helper_->working(); }
    // What the program has counted, with what is held, lost and measured on the way.
    [[nodiscard]] Tally complete(Tally counted) const;
    [[nodiscard]] std::string name() const { return helper_->name(); }
    void footprint(Footprint& footprint) const;

private:
    [[nodiscard]] ::helper kernel_helper(const Target& target) const;
    void open_loopback(const Target& target, const MatchRules& rules);

    const std::uint64_t netns_inode_;
    std::optional<StackSlot> slot_;
    std::vector<Journalled> sysctls_;
    const std::unique_ptr<Helper> helper_;
    const bool delays_;            // else how long the way takes is nobody's question
    const unsigned clock_shift_;   // 0: the helper measures itself
    const __u64* held_ = nullptr;  // the program's counts, HELD_COUNTS
};

}  // namespace blackstart
