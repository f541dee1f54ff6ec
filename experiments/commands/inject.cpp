#include <unistd.h>

#include <csignal>
#include <iostream>
#include <nlohmann/json.hpp>

#include "experiments/armed.h"
#include "experiments/clock.h"
#include "experiments/commands/commands.h"
#include "experiments/expectations/figures.h"
#include "experiments/report/words.h"
#include "injector/injection.h"
#include "injector/kernel/error.h"
#include "injector/kernel/guardian.h"
#include "probes/loop.h"

namespace blackstart {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::chrono::seconds kLook{1};  // at whether the target is still there

Json as_json(const AppliedDelay& delay) {
    const auto us = [](std::uint64_t ns) { return ns / 1000; };
    return {{"packets", delay.packets}, {"p50_us", us(delay.p50_ns)}, {"p99_us", us(delay.p99_ns)}, {"max_us", us(delay.max_ns)}};
}

struct Told {
    bool json;

    void armed(const PlannedFault& fault, const Target& target, const Armed& armed) const {
        std::vector<std::string> interfaces;
        for (const auto& interface : target.interfaces) interfaces.push_back(interface.name);
        if (json) {
            say(Json{{"event", "armed"},
                     {"format", "blackstart-inject/1.0"},
                     {"kind", kind(fault.fault)},
                     {"netns", target.spec.netns},
                     {"interfaces", interfaces},
                     {"cgroup", target.cgroup.path},
                     {"how", armed.how()},
                     {"until", armed.until()},
                     {"seed", fault.terms.seed},
                     {"pid", ::getpid()}});
            return;
        }
        std::cout << "armed " << kind(fault.fault) << " on";
        for (const auto& name : interfaces) std::cout << ' ' << name;
        std::cout << (target.spec.netns.empty() ? "" : " in " + target.spec.netns) << " through " << armed.how() << ", until "
                  << armed.until() << std::endl;
    }

    void restored(const Tally& tally, const std::vector<std::string>& left) const {
        if (json) {
            Json event{{"event", "restored"},      {"hits", tally.hits},     {"matched", tally.matched}, {"unseen", tally.unseen},
                       {"dropped", tally.dropped}, {"lapsed", tally.lapsed}, {"whole", left.empty()},    {"left", left}};
            if (tally.encrypted > 0) event["encrypted"] = tally.encrypted;
            if (tally.delay) event["delay"] = as_json(*tally.delay);
            say(event);
            return;
        }
        std::cout << "restored: " << tally.hits << " of " << tally.matched << " matching packets or messages were hit";
        if (tally.unseen > 0) std::cout << ", " << tally.unseen << " could not be handled safely and passed";
        if (tally.encrypted > 0) std::cout << ", " << counted(tally.encrypted, "connection") << " under TLS could not be read";
        if (tally.dropped > 0) std::cout << ", " << tally.dropped << " were lost by the fault";
        if (tally.delay && tally.delay->packets > 0)
            std::cout << "; held for " << in_words(std::chrono::nanoseconds(tally.delay->p50_ns)) << " (median), "
                      << in_words(std::chrono::nanoseconds(tally.delay->p99_ns)) << " (p99)";
        std::cout << (tally.lapsed ? "; its lease lapsed" : "") << std::endl;
        for (const auto& what : left) std::cerr << "blackstart: still there: " << what << '\n';
    }

    static void say(const Json& event) { std::cout << event.dump() << std::endl; }
};

}  // namespace

int inject_command(const PlannedFault& asked, const TargetSpec& scope, std::optional<std::int64_t> start_at, bool json) {
    if (const auto refusal = unsupported(asked.fault)) throw Unfit(refusal->reason, refusal->fix);
    PlannedFault fault = asked;
    if (fault.name.empty()) fault.name = kind(fault.fault);
    Target target = resolve(scope);
    if (start_at) {
        if (const int ended_by = wait_to_start(*start_at, false); ended_by != 0) return 128 + ended_by;
        target = resolve(scope);  // it may be another by now
    }

    Loop loop;
    int signal = 0;
    const auto end_by = [&](int number) {
        return loop.signal(number, [&, number] {
            signal = number;
            loop.stop();
        });
    };
    const auto interrupted = end_by(SIGINT), terminated = end_by(SIGTERM), hung_up = end_by(SIGHUP);
    std::signal(SIGPIPE, SIG_IGN);  // a reader that went away must not keep us from restoring

    Registration registration(command_line());
    auto injection = prepare(fault.fault, target, fault.terms);
    injection->attach(target);
    Armed armed(registration, fault, target, scope.netns.empty() ? "host" : scope.netns, std::move(injection));
    const Told told{json};
    told.armed(fault, target, armed);
    target.netns.reset();  // a namespace that is deleted meanwhile goes: armed faults do not hold it, nor do we

    bool gone = false;
    const auto renewal = loop.every(Loop::now() + kRenewal, kRenewal, [&](auto) {
        guardian::beat();
        if (!armed.renew()) loop.stop();
    });
    const auto look = loop.every(Loop::now() + kLook, kLook, [&](auto) {
        gone = !still_there(target.spec, target.netns_inode);
        if (gone) loop.stop();
    });
    const auto end = loop.at(Loop::now() + fault.terms.duration, [&] { loop.stop(); });
    loop.run();
    // Of a process that was stopped, the timer that finds the lease lapsed is ahead of the signal that ended it.
    if (signal == 0) signal = waiting_signal();

    auto [tally, spent] = armed.end();
    const auto left = take_away(std::move(spent));
    told.restored(tally, left);
    if (gone) std::cerr << "blackstart: let go: the network namespace of '" << target.spec.netns << "' is gone\n";
    if (!left.empty()) return 5;
    if (signal != 0) return 128 + signal;
    return tally.hits > 0 && !tally.lapsed && !gone ? 0 : 3;
}

}  // namespace blackstart
