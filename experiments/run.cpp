#include "experiments/run.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <fstream>

#include "experiments/armed.h"
#include "experiments/clock.h"
#include "experiments/guard.h"
#include "experiments/history.h"
#include "experiments/lab.h"
#include "experiments/metering.h"
#include "experiments/removals.h"
#include "experiments/verdict.h"
#include "experiments/version.h"
#include "injector/kernel/error.h"
#include "injector/kernel/guardian.h"
#include "injector/kernel/mntns.h"
#include "injector/kernel/netns.h"
#include "probes/watch.h"

namespace blackstart {
namespace {

namespace fs = std::filesystem;
using std::chrono::nanoseconds;

double seconds(nanoseconds time) { return std::chrono::duration<double>(time).count(); }

// Made before anything is touched; an empty folder is taken over, one with something in it is somebody's.
void make_folder(const fs::path& folder) {
    std::error_code error;
    if (fs::exists(folder, error) && (!fs::is_directory(folder, error) || !fs::is_empty(folder, error)))
        throw Misuse("run folder " + folder.string() + " is already there and not empty: name another with --out");
    fs::create_directories(folder / "logs", error);
    if (error)
        throw Unfit("cannot make run folder " + folder.string() + ": " + error.message(), "name one that can be written, with --out DIR");
}

void write_experiment(const fs::path& folder, const std::string& text) {
    std::ofstream file(folder / "experiment.toml", std::ios::binary);
    file << text;
    if (!file.flush())
        throw Unfit("cannot write " + (folder / "experiment.toml").string(), "make room there, or name another folder with --out DIR");
}

class Run {
public:
    Run(const Experiment& experiment, const RunOptions& options)
        : experiment_(experiment), options_(options), registration_(command_line()), head_(head(experiment)) {}

    std::vector<std::string> go() {
        prepare();
        begin_baseline();
        loop_.run();
        finish();
        return left_;
    }

private:
    static History head(const Experiment& experiment) {
        History made;
        made.experiment = experiment.name;
        made.seed = experiment.seed.value_or(0);
        made.version = kVersion;
        return made;
    }

    // --- before anything is in force -------------------------------------------------------------------------------

    void prepare() {
        for (const auto& planned : experiment_.faults)
            if (const auto refusal = unsupported(planned.fault))
                throw Unfit("fault '" + planned.name + "': " + refusal->reason, refusal->fix);
        if (const auto refusal = meter_unsupported(); refusal && !experiment_.meters.empty())
            throw Unfit("meter '" + experiment_.meters.front().name + "': " + refusal->reason, refusal->fix);
        if (!experiment_.lab) resolve_targets();  // names that do not exist: known before the first probe
        std::signal(SIGPIPE, SIG_IGN);
        for (const int number : {SIGINT, SIGTERM, SIGHUP})
            signals_.push_back(loop_.signal(number, [this, number] { interrupted(number); }));
        head_.origin = wall_clock();
        const auto from_here = options_.file.lexically_proximate(fs::current_path());
        head_.file = from_here.string().starts_with("..") ? options_.file.string() : from_here.string();
        origin_ = Loop::now();
        recorder_.emplace(options_.folder / "history.ndjson", head_);
        if (experiment_.lab) start_lab();
        watch_.emplace(loop_, experiment_.probes, places(), [this](const Observation& seen) { observed(seen); });
        prepare_faults();
    }

    // Ahead of the first probe: what takes its time would be seen by them, and they see the same programs all the time.
    void prepare_faults() {
        for (const auto& planned : experiment_.faults)
            for (const auto& target : targets_of(planned))
                prepared_[{planned.name, target}] = blackstart::prepare(planned.fault, targets_.at(target), planned.terms);
        for (auto& [which, injection] : prepared_) {
            injection->attach(targets_.at(which.second));
            guardian::beat();
        }
    }

    void start_lab() {
        tell(fmt::format("lab: {} hosts, {} services", experiment_.lab->hosts.size(), experiment_.lab->services.size()));
        lab_.emplace(*experiment_.lab, options_.file.parent_path());
        const auto told = [this](const std::string& service, const std::string& what) {
            record(event::Service{service, what});
            tell("lab: " + service + " " + what);
        };
        lab_->start(loop_, options_.folder / "logs", options_.deadline, told);
        resolve_targets();
    }

    void resolve_targets() {
        for (const auto& [name, spec] : experiment_.targets) {
            TargetSpec found = spec;
            if (lab_ && lab_->has(spec.netns)) {
                found.netns = lab_->netns_path(spec.netns);
                found.mntns = lab_->mntns_path(spec.netns);
            }
            targets_.emplace(name, resolve(found));
        }
        const bool host = std::ranges::any_of(experiment_.faults, [](const auto& fault) { return fault.targets.empty(); }) ||
                          std::ranges::any_of(experiment_.meters, [](const auto& meter) { return meter.target.empty(); });
        if (host && !targets_.contains(host_target)) targets_.emplace(host_target, resolve(TargetSpec{}));
    }

    std::vector<Place> places() {
        std::vector<Place> found;
        for (const auto& probe : experiment_.probes) {
            if (lab_ && lab_->has(probe.from)) {
                found.push_back(lab_->place(probe.from));
            } else if (probe.from.empty()) {
                found.push_back({});
            } else {
                // A command is the user's own, wherever it asks; a name is looked up as applications there do.
                const auto& netns = keep_namespace(probe.from);
                found.push_back({netns.fd.get(), std::holds_alternative<ExecProbe>(probe.kind) ? -1 : netns.mntns.get()});
            }
        }
        return found;
    }

    struct Namespace {
        unique_fd fd, mntns;
        std::uint64_t inode = 0;  // 0: gone
    };

    const Namespace& keep_namespace(const std::string& name) {
        auto [at, fresh] = namespaces_.try_emplace(name);
        Namespace& kept = at->second;
        if (fresh) kept = {open_netns(name), open_mntns_of(name), 0};
        if (fresh) kept.inode = netns_id(kept.fd.get());
        return kept;
    }

    // --- the phases ------------------------------------------------------------------------------------------------

    void begin_baseline() {
        metering_.emplace(experiment_, targets_);
        record(event::Started{});
        tell(fmt::format("baseline: {:g}s", seconds(experiment_.baseline)));
        watch_->start();
        next_ = loop_.at(Loop::now() + experiment_.baseline, [this] { begin_faults(); });
        count_seconds();
        renewal_ = loop_.every(Loop::now() + kRenewal, kRenewal, [this](nanoseconds) { renew(); });
        constexpr std::chrono::milliseconds glance(200);
        glance_ = loop_.every(Loop::now() + glance, glance, [this](nanoseconds) { show(); });
        if (options_.deadline) deadline_ = loop_.at(*options_.deadline, [this] { out_of_time(); });
    }

    void show() {
        std::vector<Acting> acting;
        for (const auto& armed : armed_) acting.push_back({armed->fault(), armed->target(), armed->tally().hits});
        options_.follower.tick(Loop::now() - origin_, acting);
    }

    void out_of_time() {
        record(event::Tripped{"--ttl", "the run's time is over"});
        end_early("its --ttl is over");
    }

    void begin_faults() {
        if (const auto why = baseline_failure(experiment_, baseline_history()); !why.empty()) {
            record(event::Unsteady{why});
            return end_early("the baseline did not hold: " + why);
        }
        in_baseline_ = false;
        seen_in_baseline_ = {};
        const auto t0 = Loop::now();
        take_counts(t0);  // what lies before is the baseline's
        record(event::T0{}, t0);
        count_seconds();
        tell(fmt::format("t0: observing for {:g}s", seconds(experiment_.duration)));
        for (const auto& guard : experiment_.guards) guards_.emplace_back(guard, t0);
        for (const auto& planned : experiment_.faults) schedule(planned, t0);
        next_ = loop_.at(t0 + experiment_.duration, [this] { drain(); });
    }

    void schedule(const PlannedFault& planned, nanoseconds t0) {
        for (const auto& target : targets_of(planned))
            timers_.push_back(loop_.at(t0 + planned.at, [this, &planned, target] { arm(planned, target); }));
        timers_.push_back(loop_.at(t0 + planned.at + planned.terms.duration, [this, &planned] { disarm(planned.name); }));
    }

    void drain() {
        deadline_.reset();
        if (metering_) {
            take_counts(Loop::now());
            second_.reset();
            for (auto& what : metering_->stop()) left_.push_back(std::move(what));
            metering_.reset();
        }
        disarm_all();
        timers_.clear();
        watch_->drain([this] { loop_.stop(); });
    }

    // Restores at once; what the probes have in flight is still waited for, unless somebody waits for us.
    void end_early(const std::string& why, bool wait = true) {
        next_.reset();
        guards_.clear();
        drain();
        tell("ended early: " + why);
        if (!wait) loop_.stop();
    }

    void finish() {
        disarm_all();
        watch_.reset();
        for (auto& what : removals_.finish()) left_.push_back(std::move(what));
        if (lab_) {
            for (auto& what : lab_->stop()) left_.push_back(std::move(what));
            targets_.clear();
            lab_.reset();
        }
        glance_.reset();
        record(event::Restored{left_.empty(), left_});
        record(event::Ended{});
        if (interrupted_) tell(left_.empty() ? "interrupted, and everything is restored" : "interrupted, and the host is NOT whole");
        recorder_->flush();
        if (!recorder_->failure().empty()) tell("the history could not be written whole: " + recorder_->failure());
    }

    // --- faults ----------------------------------------------------------------------------------------------------

    void arm(const PlannedFault& planned, const std::string& target) {
        try {
            if (!targets_.at(target).netns) throw Unfit("its network namespace is gone", "");
            armed_.push_back(
                std::make_unique<Armed>(registration_, planned, targets_.at(target), target, std::move(prepared_[{planned.name, target}])));
            record(event::Armed{planned.name, target, armed_.back()->how()});
            tell(fmt::format("armed: {} on {} through {}", planned.name, target, armed_.back()->how()));
        } catch (const std::runtime_error& error) {
            record(event::Lost{planned.name, target, error.what()});
            tell(fmt::format("not armed: {} on {}: {}", planned.name, target, error.what()));
        }
    }

    void disarm(Armed& armed) {
        auto [tally, spent] = armed.end();
        removals_.add(std::move(spent));
        record(event::Disarmed{armed.fault(), armed.target(), tally, std::nullopt});
        tell(fmt::format("restored: {} on {}: {} hits{}", armed.fault(), armed.target(), tally.hits,
                         tally.lapsed ? ", its lease lapsed" : ""));
    }

    template <class Which> void disarm_if(Which which) {
        for (auto& armed : armed_)
            if (which(*armed)) {
                disarm(*armed);
                armed.reset();
            }
        std::erase(armed_, nullptr);
    }
    void disarm(const std::string& fault) {
        disarm_if([&](const Armed& armed) { return armed.fault() == fault; });
    }
    void disarm_all() {
        disarm_if([](const Armed&) { return true; });
        for (auto& [which, injection] : std::exchange(prepared_, {}))
            if (injection) removals_.add(spend(std::move(injection)));
    }
    void renew() {
        guardian::beat();
        disarm_if([](Armed& armed) { return !armed.renew(); });
        if (metering_) metering_->renew();
    }

    // A container that died is not kept by what we hold of it.
    void let_go_of_the_dead() {
        for (auto& [name, netns] : namespaces_) {
            if (netns.inode == 0 || still_there(TargetSpec{"", name, {}, ""}, netns.inode)) continue;
            netns.inode = 0;
            // In the same place: probes that are to look from there have its number, and see nothing from now on.
            const unique_fd nothing(::open("/dev/null", O_RDONLY | O_CLOEXEC));
            for (const auto* fd : {&netns.fd, &netns.mntns})
                if (*fd) ::dup3(nothing.get(), fd->get(), O_CLOEXEC);
        }
        for (auto& [name, target] : targets_) {
            if (!target.netns || still_there(target.spec, target.netns_inode)) continue;
            const std::string why = "its network namespace is gone";
            for (const auto& armed : armed_)
                if (armed->target() == name) record(event::Lost{armed->fault(), name, why});
            disarm_if([&name = name](const Armed& armed) { return armed.target() == name; });
            std::erase_if(prepared_, [&name = name](const auto& one) { return one.first.second == name; });
            target.netns.reset();
            tell(fmt::format("let go: {}: {}", name, why));
        }
    }

    void count_seconds() {
        constexpr std::chrono::seconds second(1);
        second_ = loop_.every(Loop::now() + second, second, [this](nanoseconds) {
            take_counts(Loop::now());
            let_go_of_the_dead();
        });
    }
    void take_counts(nanoseconds now) {
        for (auto& event : metering_->take(now)) recorder_->record({event.t - origin_, std::move(event.kind)});
    }

    // --- what is seen ----------------------------------------------------------------------------------------------

    void observed(const Observation& seen) {
        const Event event{seen.start - origin_,
                          event::Observed{experiment_.probes[seen.probe].name, seen.ok, seen.why, seen.latency, seen.value}};
        keep(event);
        for (std::size_t i = 0; i < guards_.size(); i++) {
            if (experiment_.guards[i].probe != experiment_.probes[seen.probe].name) continue;
            const auto why = guards_[i].see(seen, Loop::now());
            if (!why) continue;
            record(event::Tripped{experiment_.guards[i].probe, *why});
            return end_early("a guard tripped: " + *why);
        }
    }

    History baseline_history() const {
        History history = head_;
        history.events = seen_in_baseline_;
        return history;
    }

    void interrupted(int number) {
        interrupted_ = true;
        record(event::Interrupted{number});
        end_early(fmt::format("signal {}", number), false);
    }

    void record(EventKind kind, nanoseconds when = Loop::now()) { keep({when - origin_, std::move(kind)}); }
    void keep(const Event& event) {
        if (in_baseline_) seen_in_baseline_.push_back(event);
        recorder_->record(event);
        options_.follower.seen(event);
    }
    void tell(const std::string& line) const { options_.follower.line(fmt::format("{:7.1f}s  {}", seconds(Loop::now() - origin_), line)); }

    const Experiment& experiment_;
    const RunOptions& options_;
    Registration registration_;
    History head_;
    nanoseconds origin_ = Loop::now();
    std::optional<Recorder> recorder_;
    bool in_baseline_ = true, interrupted_ = false;
    std::vector<Event> seen_in_baseline_;  // what the baseline is judged by at t0
    std::vector<std::string> left_;

    Loop loop_;
    std::vector<Loop::Source> signals_, timers_;
    Loop::Source next_, renewal_, second_, glance_, deadline_;
    std::optional<Lab> lab_;
    std::map<std::string, Namespace> namespaces_;  // that probes look from, by name
    std::map<std::string, Target> targets_;
    std::optional<Watch> watch_;  // before armed_: its children are forked while no fault is in force
    std::optional<Metering> metering_;
    std::vector<GuardWatch> guards_;
    std::map<std::pair<std::string, std::string>, std::unique_ptr<Injection>> prepared_;  // by fault and target: not yet armed
    Removals removals_;
    std::vector<std::unique_ptr<Armed>> armed_;  // last: the first to go
};

}  // namespace

std::vector<std::string> run(const Experiment& experiment, const std::string& text, const RunOptions& options) {
    make_folder(options.folder);
    write_experiment(options.folder, text);
    return Run(experiment, options).go();
}

}  // namespace blackstart
