#include "injector/helper_injection.h"

#include "injector/network_injection.h"
#include "injector/passage.h"
// After the headers of its structs.
#include "latency.skel.h"

namespace blackstart {
namespace {

class HelperInjection final : public Injection {
public:
    HelperInjection(const Match& match, const Detour& detour, const Target& target, const Terms& terms)
        : rules_(match, target), passage_(detour.plan, target, terms), packets_(detour.what, target, terms), observed_(match) {
        packets_->rodata->loss = detour.choice;
        packets_->rodata->skip_handshake = detour.skip_handshake ? 1 : 0;
        rules_.before_load(*packets_.operator->());
        observed_.before_load(*packets_.operator->(), target);
        passage_.load(packets_, target);
        rules_.after_load(*packets_.operator->());
        for (const auto& interface : target.interfaces) {
            if (match.direction != Match::Way::ingress) packets_.place(interface, Direction::egress);
            if (match.direction != Match::Way::egress) packets_.place(interface, Direction::ingress);
        }
    }

    void attach(const Target& target) override {
        observed_.attach(*packets_.operator->(), target);
        packets_.attach(target);
    }
    void arm(const Target& target) override {
        passage_.open(packets_, target, rules_);
        packets_.arm(target);
    }
    void disarm() override { packets_.disarm(); }
    bool renew() override { return passage_.working() ? packets_.renew() : !packets_.expired(); }
    [[nodiscard]] Tally tally() const override { return passage_.complete(packets_.tally()); }
    [[nodiscard]] std::string how() const override { return packets_.how() + ", " + passage_.name(); }
    void footprint(Footprint& footprint) const override {
        packets_.footprint(footprint);
        observed_.footprint(footprint);
        passage_.footprint(footprint);
    }

private:
    const MatchRules rules_;
    Passage passage_;
    PacketInjection<latency_bpf> packets_;
    Observed observed_;
};

}  // namespace

std::unique_ptr<Injection> prepare_detour(const Match& match, const Detour& detour, const Target& target, const Terms& terms) {
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
