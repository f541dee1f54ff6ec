#include "experiments/parse/faults.h"

#include <algorithm>
#include <cctype>
#include <utility>

#include "injector/kernel/error.h"

namespace blackstart {
namespace {

// Calls `with` with a fresh value of each alternative.
template <class Call, std::size_t... I> void each_kind(Call with, std::index_sequence<I...>) {
    (with(std::variant_alternative_t<I, Fault>{}), ...);
}
template <class Call> void each_kind(Call with) { each_kind(with, std::make_index_sequence<std::variant_size_v<Fault>>{}); }

void check_pairs(const Keys& keys, const Place& place, Complaints& complaints) {
    const bool by_count = keys.given("fail") != nullptr || keys.given("pass") != nullptr;
    const bool by_time = keys.given("on") != nullptr || keys.given("off") != nullptr;
    if (by_count == by_time)
        complaints.error(place,
                         std::string("expected { fail = N, pass = N } or { on = TIME, off = TIME }") + (by_count ? ", not both" : ""));
    else if (by_count && (keys.given("fail") == nullptr || keys.given("pass") == nullptr))
        complaints.error(place, "'fail' and 'pass' go together");
    else if (by_time && (keys.given("on") == nullptr || keys.given("off") == nullptr))
        complaints.error(place, "'on' and 'off' go together");
}

Type<Cycle> cycle() {
    return type::table<Cycle>("cycle", [](Keys& keys, Cycle& cycle) {
        const auto count = type::whole<std::uint32_t>(1, 1'000'000);
        keys.add("fail", count, cycle.fail).says("how many to hit");
        keys.add("pass", count, cycle.pass).says("how many to let pass");
        keys.add("on", type::duration(), cycle.on).says("how long to act");
        keys.add("off", type::duration(), cycle.off).says("how long to rest");
        keys.check(check_pairs);
    });
}

// What is held for longer than its fault lasts would be dropped at its end, not delivered.
template <class Kind> void check_delays(const Kind& kind, const Terms& terms, const Keys& keys, Complaints& complaints) {
    [[maybe_unused]] const auto check_one = [&](const char* name, std::chrono::nanoseconds held) {
        if (const auto* given = keys.given(name); given != nullptr && terms.duration.count() > 0 && held >= terms.duration)
            complaints.error(given->place, name + (": " + described(*given)) + " is as long as the fault itself, or longer");
    };
    if constexpr (requires { kind.delay; }) check_one("delay", kind.delay);
    if constexpr (requires { kind.jitter; }) check_one("jitter", kind.jitter);
    if constexpr (requires { kind.queue; }) check_one("queue", kind.queue);
}

// What the kind itself knows cannot be: asked once every key could be read.
template <class Kind> void check_kind(const Kind& kind, const Keys& keys, const Place& place, Complaints& complaints) {
    if constexpr (requires { check(kind); }) {
        for (const auto& key : keys.all())
            if (key.given ? !key.right : key.required) return;
        try {
            check(kind);
        } catch (const Misuse& error) {
            complaints.error(place, error.what());
        }
    }
}

}  // namespace

std::vector<std::string> fault_kinds() {
    std::vector<std::string> names;
    each_kind([&](const auto& kind) { names.emplace_back(kind.kind); });
    return names;
}

Fault make_fault(const std::string& name) {
    Fault fault;
    each_kind([&](const auto& kind) {
        if (name == kind.kind) fault = kind;
    });
    return fault;
}

void describe_terms(Keys& keys, PlannedFault& fault) {
    keys.add("for", type::duration(), fault.terms.duration).need().says("how long it lasts; no fault is without an end");
    const bool has_share = std::visit(
        [](const auto& kind) {
            return requires { kind.choice; };
        },
        fault.fault);
    if (!has_share) keys.add("probability", type::share(), fault.terms.probability).otherwise("100%").says("share of matches that is hit");
    keys.add("cycle", cycle(), fault.terms.cycle).shown("CYCLE").says("act and rest: fail=N,pass=N or on=TIME,off=TIME");
}

void describe_target(Keys& keys, TargetSpec& target) {
    keys.add("netns", type::netns(), target.netns).otherwise("the host's own").says("namespace: its name, a path, or pid:N");
    keys.add("interface", type::list(type::text("IF")), target.interface).otherwise("all in use").says("network interface");
    if (std::ranges::find(keys.all(), "cgroup", &Key::name) != keys.all().end()) return;  // the kind's own: what it selects
    keys.add("cgroup", type::text("CGROUP"), target.cgroup).says("path or unit: only its sockets' traffic (egress)");
}

Keys fault_keys(PlannedFault& fault) {
    Keys keys;
    std::visit([&](auto& kind) { describe(keys, kind); }, fault.fault);
    describe_terms(keys, fault);
    keys.check([&fault](const Keys& all, const Place& place, Complaints& complaints) {
        std::visit(
            [&](const auto& kind) {
                check_delays(kind, fault.terms, all, complaints);
                check_kind(kind, all, place, complaints);
            },
            fault.fault);
    });
    return keys;
}

}  // namespace blackstart
