#include "injector/helper_injection.h"

#include <algorithm>

#include "injector/bpf/helper.h"
#include "injector/bpf/match.h"
#include "injector/kernel/error.h"
#include "injector/kernel/journal.h"
#include "injector/network_injection.h"
// After the headers of its structs.
#include "latency.skel.h"

namespace blackstart {
namespace {

::helper kernel_helper(int ifindex, const std::vector<Interface>& interfaces) {
    if (interfaces.size() > HELPER_SLOTS)
        throw Unfit("the target has more than " + std::to_string(HELPER_SLOTS) + " interfaces", "name fewer with --interface");
    ::helper out{};
    out.ifindex = static_cast<std::uint32_t>(ifindex);
    for (const auto& interface : interfaces) out.slot[out.slots++] = static_cast<std::uint32_t>(interface.index);
    return out;
}

// IPv4 packets that come back to `lo` from a helper have lost their route and are looked up anew: the kernel takes them for
// forged unless two sysctls of `lo` allow them. IPv6 has no such rule.
std::vector<Journalled> loopback_sysctls(const Target& target, const ::match& rules) {
    std::vector<Journalled> changes;
    if (std::ranges::none_of(target.interfaces, &Interface::loopback) || !meets_own_ip4(rules, own_ip4(target.netns.get()))) return changes;
    for (const char* key : {"net/ipv4/conf/lo/route_localnet", "net/ipv4/conf/lo/accept_local"})
        changes.push_back(set_sysctl(target.netns.get(), key, "1"));
    return changes;
}

HelperPlan planned(HelperPlan plan, const Terms& terms) {
    plan.lease = terms.lease;
    plan.seed = terms.seed;
    return plan;
}

class HelperInjection final : public Injection {
public:
    HelperInjection(const Match& match, const Detour& detour, const Target& target, const Terms& terms)
        : netns_inode_(target.netns_inode),
          rules_(kernel_match(match, target)),
          slot_(target.netns_inode),
          sysctls_(loopback_sysctls(target, rules_)),
          helper_(make_helper(target.netns.get(), planned(detour.plan, terms))),
          packets_(detour.what, target, terms),
          observed_(match) {
        packets_->rodata->match = rules_;
        packets_->rodata->stack = kernel_stack(slot_);
        packets_->rodata->helper = kernel_helper(helper_->ifindex(), target.interfaces);
        packets_->rodata->loss = detour.choice;
        packets_->rodata->skip_handshake = detour.skip_handshake ? 1 : 0;
        if (target.cgroup.id != 0) packets_.rank(Rank::scoped_helper);
        observed_.before_load(*packets_.operator->(), target);
        packets_.load();
        observed_.attach(*packets_.operator->(), target);
        helper_->attach(target.netns.get(), descriptor(packets_->progs.returned), descriptor(packets_->progs.reflect));
        for (const auto& interface : target.interfaces) {
            if (match.direction != Match::Way::ingress) packets_.attach(target, interface, Direction::egress);
            if (match.direction != Match::Way::egress) packets_.attach(target, interface, Direction::ingress);
        }
        packets_.arm();
    }

    // A line that stands still holds traffic back: its lease is left to run out.
    bool renew() override { return helper_->working() ? packets_.renew() : !packets_.expired(); }
    [[nodiscard]] Tally tally() const override {
        // What is held is delayed already: a delay longer than the fault hits as well.
        const auto holding = helper_->holding();
        Tally tally = packets_.tally();
        tally.hits += holding;
        tally.dropped = helper_->dropped();
        tally.delay = helper_->applied();
        return tally;
    }
    [[nodiscard]] std::string how() const override { return packets_.how() + ", " + helper_->name(); }
    void footprint(Footprint& footprint) const override {
        packets_.footprint(footprint);
        observed_.footprint(footprint);
        for (const auto& sysctl : sysctls_) sysctl.footprint(footprint);
        footprint.add_device(netns_inode_, helper_->ifindex(), helper_->device());
    }

private:
    // In this order: a dying process closes its newest descriptors first, and links must go before what they lead to.
    const std::uint64_t netns_inode_;
    const ::match rules_;
    const StackSlot slot_;
    const std::vector<Journalled> sysctls_;
    const std::unique_ptr<Helper> helper_;
    PacketInjection<latency_bpf> packets_;
    Observed observed_;
};

}  // namespace

std::unique_ptr<Injection> inject_detour(const Match& match, const Detour& detour, const Target& target, const Terms& terms) {
    check_scope(match, target);
    return std::make_unique<HelperInjection>(match, detour, target, terms);
}

std::optional<Refusal> delay_line_refusal() {
    if (auto refusal = tcx_refusal()) return refusal;
    if (tap_unavailable() != 0) return Refusal{"/dev/net/tun cannot be opened: there is no delay line without it", "load the tun module"};
    return std::nullopt;
}

std::optional<Refusal> helper_refusal() {
    if (auto refusal = tcx_refusal()) return refusal;
    if (tap_unavailable() != 0 && !netem_available())
        return Refusal{"this kernel has no netem, and /dev/net/tun cannot be opened", "load the sch_netem or the tun module"};
    return std::nullopt;
}

}  // namespace blackstart
