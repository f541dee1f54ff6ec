// The injection of every fault that is tc programs and nothing else: load, attach, arm, renew, count. A kind opens it,
// fills in its own rodata, calls load(), fills its maps, and says where it is to be attached; see dns.cpp.
#pragma once

#include <utility>
#include <vector>

#include "injector/bpf/terms.h"
#include "injector/injection.h"
#include "injector/kernel/lease.h"
#include "injector/kernel/tc_program.h"

namespace blackstart {

// The terms as the program reads them. Throws Misuse for terms that cannot be (no end, no share, a cycle without a unit).
::terms kernel_terms(const Terms& terms, const Cgroup& cgroup);

template <class Skeleton> class PacketInjection final : public Injection {
public:
    // `what` names the fault in errors and must be a literal. Throws Misuse (terms), Unfit.
    PacketInjection(const char* what, const Target& target, const Terms& terms) : program_(what), terms_(terms) {
        program_.only_for(target.interfaces);
        if (target.cgroup.id != 0) program_.rank(Rank::scoped);
        program_->rodata->terms = kernel_terms(terms, target.cgroup);
    }

    // The skeleton: rodata before load(), maps and bss after it.
    Skeleton* operator->() { return program_.operator->(); }
    // Before load(), of a fault with a cgroup scope that leads packets through a helper.
    void rank(Rank rank) { program_.rank(rank); }
    void load() { program_.load(); }
    // Where attach() puts it.
    void place(const Interface& interface, Direction direction) { places_.emplace_back(interface, direction); }
    void attach(const Target& target) override {
        for (const auto& [interface, direction] : places_) program_.attach(target.netns.get(), interface, direction);
    }
    // In force on all interfaces at once.
    void arm(const Target&) override { lease_.arm(program_->bss->control, terms_.duration, terms_.lease); }
    void disarm() override { lease_.end(); }
    bool renew() override { return lease_.renew(); }
    [[nodiscard]] bool expired() const { return lease_.expired(); }
    [[nodiscard]] Tally tally() const override {
        const auto& count = program_->bss->control;
        return {.matched = count.matched,
                .hits = count.hits,
                .unseen = count.unseen,
                .dropped = 0,
                .lapsed = lease_.lapsed() || count.lapsed != 0,
                .encrypted = count.encrypted};
    }
    [[nodiscard]] std::string how() const override { return attached_through(); }
    void footprint(Footprint& footprint) const override { program_.footprint(footprint); }

private:
    TcProgram<Skeleton> program_;
    std::vector<std::pair<Interface, Direction>> places_;
    Lease lease_;
    Terms terms_;
};

// The answer of unsupported_kind for such a fault.
std::optional<Refusal> tcx_refusal();

}  // namespace blackstart
