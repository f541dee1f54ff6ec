#include "injector/process.h"

#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <filesystem>

#include "injector/bpf/process.h"
#include "injector/draw.h"
#include "injector/kernel/error.h"
#include "injector/kernel/lease.h"
#include "injector/kernel/tc_program.h"
#include "injector/kernel/tracepoint.h"
#include "injector/kinds.h"
#include "injector/packet_injection.h"
#include "injector/pause.h"
#include "injector/victims.h"

// After the headers that its sections are made of.
#include "process.skel.h"

namespace blackstart {
namespace {

using Action = ProcessFault::Action;

std::string listed(const std::vector<std::string>& names) {
    std::string text;
    for (const auto& name : names) text += (text.empty() ? "" : ", ") + name;
    return text;
}

// Those to be hit, after the refusals that the header promises; `spared` is counted up.
std::vector<Victim> choose(const ProcessFault& fault, const Selection& selection, const Terms& terms, Tally& tally) {
    auto [found, spared] = find_victims(selection);
    if (!spared.empty() && (found.empty() || !fault.pids.empty()))
        throw Unfit(listed(spared) + (spared.size() == 1 ? " is" : " are") +
                        " protected: process 1, this process and its ancestors, sshd, the journal, kernel threads",
                    "select other processes");
    std::vector<Victim> chosen;
    for (std::size_t i = 0; i < found.size(); i++)
        if ((fault.action == Action::crash_loop || in_turn(terms, i)) && drawn(terms, i)) chosen.push_back(std::move(found[i]));
    if (chosen.size() > fault.at_most)
        throw Unfit(std::to_string(chosen.size()) + " processes would be hit, and at most " + std::to_string(fault.at_most) + " may be",
                    "select fewer, or allow more with at_most (--at-most)");
    tally.matched += found.size();
    tally.unseen += spared.size();
    return chosen;
}

[[noreturn]] void nobody() { throw Unfit("no process is selected", "`ps -eo pid,cgroup,exe` shows what runs"); }

// How many of them are dead a second later at most. The seized and the frozen die as well.
std::size_t kill_all(const std::vector<Victim>& victims) {
    std::size_t dead = 0;
    for (const auto& victim : victims)
        if (::syscall(SYS_pidfd_send_signal, victim.pidfd.get(), SIGKILL, nullptr, 0) != 0 && errno != ESRCH)
            throw_errno("cannot kill process " + std::to_string(victim.pid), errno);
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(1);
    for (const auto& victim : victims) {
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
        pollfd waiting{victim.pidfd.get(), POLLIN, 0};
        if (::poll(&waiting, 1, static_cast<int>(std::max<std::int64_t>(left.count(), 0))) > 0) dead++;
    }
    return dead;
}

// What kill and pause share: a lease of their own, kept in this process.
class Held : public Injection {
public:
    Held(const ProcessFault& fault, const Target& target, const Terms& terms) : fault_(fault), terms_(terms) {
        kernel_terms(terms, target.cgroup);  // the terms that cannot be
        resolve_selection(fault, target);    // the names that do not exist
    }

    void arm(const Target& target) override {
        selection_ = resolve_selection(fault_, target);
        if (!act()) nobody();
        lease_.arm(control_, terms_.duration, terms_.lease);
    }
    void disarm() override {
        pause_.reset();
        lease_.end();
    }
    bool renew() override {
        if (!lease_.renew()) return false;
        follow_cycle(monotonic_ns());
        return true;
    }
    [[nodiscard]] Tally tally() const override {
        auto tally = tally_;
        tally.lapsed = lease_.lapsed();
        return tally;
    }
    [[nodiscard]] std::string how() const override { return pause_ ? pause_->how() : "SIGKILL"; }
    void footprint(Footprint& footprint) const override {
        if (pause_) pause_->footprint(footprint);
    }

private:
    // False: there was nobody.
    bool act() {
        const auto unseen = tally_.unseen;
        const auto victims = choose(fault_, selection_, terms_, tally_);
        if (victims.empty()) return false;
        const auto hit = fault_.action == Action::kill ? kill_all(victims) : pause(victims, tally_.unseen == unseen);
        tally_.hits += hit;
        tally_.unseen += victims.size() - hit;
        return true;
    }

    // As often as the lease is renewed: those that run now are hit when a round begins, and run again in its pause.
    void follow_cycle(std::uint64_t now) {
        if (now >= control_.ends_ns) return;
        const auto round = round_of(terms_, now - control_.armed_ns);
        if (!round) pause_.reset();
        if (!round || *round == round_) return;
        round_ = *round;
        try {
            act();
        } catch (const Unfit&) {  // too many by now, or only those that are protected
            tally_.unseen++;
        }
    }

    // How many have stopped. `all`: nobody who was selected is spared.
    std::size_t pause(const std::vector<Victim>& victims, bool all) {
        const bool whole = selection_.cgroups.size() == 1 && fault_.exe.empty() && fault_.pids.empty() && selection_.netns_inode == 0 &&
                           terms_.probability >= 1 && !terms_.cycle && all;
        pause_ = std::make_unique<Pause>(victims, whole ? cgroup2_mount() + "/" + selection_.cgroups.front().path : "");
        return pause_->stopped();
    }

    const ProcessFault fault_;
    const Terms terms_;
    Selection selection_;
    std::uint64_t round_ = 0;  // of a cycle by time: the last that was begun
    Tally tally_;
    ::control control_{};
    Lease lease_;
    std::unique_ptr<Pause> pause_;
};

void set_name(process_name& out, const std::string& name, const char* what) {
    if (name.size() >= PROCESS_NAME_MAX)
        throw Unfit(std::string(what) + " '" + name + "' has a name of more than " + std::to_string(PROCESS_NAME_MAX - 1) + " bytes",
                    "select by something else");
    std::memcpy(out.words, name.data(), name.size());
}

process_cgroup config_of(const Cgroup& cgroup) {
    const std::filesystem::path path = std::filesystem::path(cgroup2_mount()) / cgroup.path;
    struct stat parent {};
    if (::stat(path.parent_path().c_str(), &parent) != 0) throw_errno("cannot read cgroup " + path.parent_path().string(), errno);
    process_cgroup config{};
    config.parent = parent.st_ino;
    config.level = cgroup.level;
    set_name(config.name, path.filename().string(), "cgroup");
    return config;
}

class CrashLoop : public Injection {
public:
    CrashLoop(const ProcessFault& fault, const Target& target, const Terms& terms)
        : fault_(fault), terms_(terms), selection_(resolve_selection(fault, target)), program_("process") {
        refuse_own_house();
        configure(program_->rodata->process);
        program_->rodata->terms = kernel_terms(terms, {});
        program_.load();
    }

    void arm(const Target&) override {
        const auto victims = choose(fault_, selection_, terms_, tally_);
        follow_executable();
        program_.attach(program_->progs.bs_crash_loop, "sched_process_exec");
        lease_.arm(program_->bss->control, terms_.duration, terms_.lease);
        tally_.hits = kill_all(victims);
        kill_late();
    }
    void disarm() override { lease_.end(); }
    bool renew() override {
        follow_executable();
        return lease_.renew();
    }
    [[nodiscard]] Tally tally() const override {
        const auto& count = program_->bss->control;
        auto tally = tally_;
        tally.matched += count.matched;
        tally.hits += count.hits;
        tally.unseen += count.unseen;
        tally.lapsed = lease_.lapsed() || count.lapsed != 0;
        return tally;
    }
    [[nodiscard]] std::string how() const override { return "tracepoint sched_process_exec"; }
    void footprint(Footprint& footprint) const override { program_.footprint(footprint); }

private:
    // A cgroup that this process or its ancestors live in: whatever the session starts would die.
    void refuse_own_house() const {
        for (const auto& spared : find_victims({{}, "", selection_.cgroups, 0}).spared)
            if (!selection_.cgroups.empty() && selection_.exe.empty())
                throw Unfit("the cgroup holds " + spared + ", which is protected", "name a cgroup without it");
    }

    void configure(process_config& config) const {
        config.netns = static_cast<__u32>(selection_.netns_inode);
        config.by_exe = selection_.exe.empty() ? 0 : 1;
        set_name(config.exe, std::filesystem::path(selection_.exe).filename().string(), "executable");
        for (const auto& cgroup : selection_.cgroups) config.cgroup[config.cgroups++] = config_of(cgroup);
    }

    // An update puts another file in its place.
    void follow_executable() {
        const auto now = selection_.exe.empty() ? std::nullopt : identity(selection_.exe);
        if (!now) return;
        program_->bss->executable = {now->inode, now->device};
    }

    // Those that began between the look and the attaching.
    void kill_late() {
        if (terms_.probability < 1 || terms_.cycle) return;  // they may have been let through
        const auto late = find_victims(selection_).found;
        if (late.size() > fault_.at_most) return;
        tally_.matched += late.size();
        tally_.hits += kill_all(late);
    }

    const ProcessFault fault_;
    const Terms terms_;
    Tally tally_;
    Selection selection_;
    TracepointProgram<process_bpf> program_;
    Lease lease_;
};

}  // namespace

void check(const ProcessFault& fault) {
    if (fault.pids.empty() && fault.exe.empty() && fault.cgroup.empty() && fault.unit.empty())
        throw Misuse("process: select with pid, exe, cgroup or unit");
    if (fault.action == Action::crash_loop && !fault.pids.empty())
        throw Misuse("process: a pid never starts again: crash-loop needs exe, cgroup or unit");
    if (std::ranges::any_of(fault.pids, [](pid_t pid) { return pid < 1; })) throw Misuse("process: a pid is at least 1");
    if (!fault.exe.empty() && !fault.exe.starts_with('/')) throw Misuse("process: exe is a whole path, as /usr/sbin/nginx");
}

template <> std::optional<Refusal> unsupported_kind(const ProcessFault& fault) {
    if (fault.action != Action::crash_loop) return std::nullopt;
    const auto missing = missing_tracing();
    return missing ? std::optional(Refusal{missing->reason, missing->fix}) : std::nullopt;
}

template <> std::unique_ptr<Injection> prepare_kind(const ProcessFault& fault, const Target& target, const Terms& terms) {
    check(fault);
    if (fault.action == Action::crash_loop) return std::make_unique<CrashLoop>(fault, target, terms);
    return std::make_unique<Held>(fault, target, terms);
}

}  // namespace blackstart
