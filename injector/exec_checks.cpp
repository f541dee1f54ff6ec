#include "injector/exec_checks.h"

#include <cstring>

#include "injector/bpf/exec.h"
#include "injector/kernel/error.h"
#include "injector/kernel/lease.h"
#include "injector/kernel/tc_program.h"
#include "injector/kernel/tracepoint.h"
#include "injector/packet_injection.h"
// After the headers that its sections are made of.
#include "exec.skel.h"

namespace blackstart {
namespace {

enum class Way { hook, tracepoint };

class ExecChecks final : public Injection {
public:
    // Throws Unfit where the kernel does not have that way.
    ExecChecks(const HealthFault& fault, const Target& target, const Terms& terms, Way way) : way_(way), terms_(terms), program_("health") {
        auto& config = program_->rodata->exec;
        std::memcpy(config.path, fault.exe.data(), fault.exe.size());
        if (!target.spec.netns.empty()) config.netns = static_cast<__u32>(target.netns_inode);
        program_->rodata->terms = kernel_terms(terms, target.cgroup);
        leave_out(way == Way::hook ? program_->progs.bs_kill : program_->progs.bs_refuse);
        program_.load();
        // It finds out whether there is such a hook.
        if (way == Way::hook) program_.attach_hook(program_->progs.bs_refuse);
    }

    void attach(const Target&) override {
        if (way_ == Way::tracepoint) program_.attach(program_->progs.bs_kill, "sched_process_exec");
    }
    void arm(const Target&) override { lease_.arm(program_->bss->control, terms_.duration, terms_.lease); }
    void disarm() override { lease_.end(); }
    bool renew() override { return lease_.renew(); }
    [[nodiscard]] Tally tally() const override {
        const auto& count = program_->bss->control;
        Tally tally;
        tally.matched = count.matched;
        tally.hits = count.hits;
        tally.unseen = count.unseen;
        tally.lapsed = lease_.lapsed() || count.lapsed != 0;
        return tally;
    }
    [[nodiscard]] std::string how() const override { return way_ == Way::hook ? "BPF LSM" : "tracepoint sched_process_exec"; }
    void footprint(Footprint& footprint) const override { program_.footprint(footprint); }

private:
    const Way way_;
    const Terms terms_;
    TracepointProgram<exec_bpf> program_;
    Lease lease_;
};

}  // namespace

std::optional<Refusal> exec_refusal() {
    const auto missing = missing_tracing();
    return missing ? std::optional(Refusal{missing->reason, missing->fix}) : std::nullopt;
}

std::unique_ptr<Injection> fail_exec(const HealthFault& fault, const Target& target, const Terms& terms) {
    if (fault.exe.size() >= EXEC_PATH_MAX) throw Misuse("health: exe has fewer than " + std::to_string(EXEC_PATH_MAX) + " bytes");
    try {
        return std::make_unique<ExecChecks>(fault, target, terms, Way::hook);
    } catch (const Unfit&) {  // no BPF among the kernel's security modules
        return std::make_unique<ExecChecks>(fault, target, terms, Way::tracepoint);
    }
}

}  // namespace blackstart
