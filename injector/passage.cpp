#include "injector/passage.h"

#include <algorithm>

#include "injector/kernel/error.h"

namespace blackstart {
namespace {

HelperPlan planned(const HelperPlan& plan, const Terms& terms) {
    HelperPlan out = plan;
    out.lease = terms.lease;
    out.seed = terms.seed;
    return out;
}

// So that 16 bits hold four times the longest delay: late packets are told from early ones. At least a microsecond.
unsigned clock_shift(const HelperPlan& plan) {
    unsigned shift = 10;
    while (static_cast<std::uint64_t>((plan.delay + plan.jitter).count()) * 4 >> shift > 0xffff) shift++;
    return shift;
}

}  // namespace

Passage::Passage(const HelperPlan& plan, const Target& target, const Terms& terms)
    : netns_inode_(target.netns_inode),
      helper_(make_helper(target.netns.get(), planned(plan, terms))),
      delays_(!plan.corrupt),
      clock_shift_(helper_->applied() ? 0 : clock_shift(plan)) {}

::helper Passage::kernel_helper(const Target& target) const {
    if (target.interfaces.size() > HELPER_SLOTS)
        throw Unfit("the target has more than " + std::to_string(HELPER_SLOTS) + " interfaces", "name fewer with --interface");
    ::helper out{};
    out.ifindex = static_cast<std::uint32_t>(helper_->ifindex());
    out.clock_shift = clock_shift_;
    for (const auto& interface : target.interfaces) out.slot[out.slots++] = static_cast<std::uint32_t>(interface.index);
    return out;
}

// IPv4 packets that come back to `lo` from a helper have lost their route and are looked up anew: the kernel takes them for
// forged unless two sysctls of `lo` allow them. IPv6 has no such rule.
void Passage::open_loopback(const Target& target, const MatchRules& rules) {
    if (std::ranges::none_of(target.interfaces, &Interface::loopback) || !rules.meet_own_ip4(own_ip4(target.netns.get()))) return;
    for (const char* key : {"net/ipv4/conf/lo/route_localnet", "net/ipv4/conf/lo/accept_local"})
        sysctls_.push_back(set_sysctl(target.netns.get(), key, "1"));
}

Tally Passage::complete(Tally counted) const {
    counted.hits += helper_->holding();  // what is held is delayed already: a delay longer than the fault hits as well
    counted.dropped = helper_->dropped();
    if (!delays_) return counted;
    counted.delay = helper_->applied();
    if (!counted.delay)
        counted.delay = sum_up(
            HELD_COUNTS, [&](std::size_t i) { return held_[i]; }, clock_shift_);
    return counted;
}

void Passage::footprint(Footprint& footprint) const {
    for (const auto& sysctl : sysctls_) sysctl.footprint(footprint);
    footprint.add_device(netns_inode_, helper_->ifindex(), helper_->device());
}

}  // namespace blackstart
