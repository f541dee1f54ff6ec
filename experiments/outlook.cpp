#include "experiments/outlook.h"

#include <algorithm>
#include <set>

#include "experiments/expectations/judgement.h"

namespace blackstart {
namespace {

struct Last {               // of a probe, so far
    std::set<Time> recent;  // when the observations began that ended of those that may still be in flight
    std::optional<Value> value;
    Time t{0};
    bool ok = true;
};

Last last_seen(const History& history, const Probe& probe, Time since) {
    Last last;
    Time of_value{0};
    for (const Event& event : history.events) {
        const auto* seen = std::get_if<event::Observed>(&event.kind);
        if (seen == nullptr || seen->probe != probe.name) continue;
        if (event.t >= since) last.recent.insert(event.t);
        if (event.t >= last.t) last.t = event.t, last.ok = seen->ok;
        if (!seen->value || event.t < of_value) continue;
        of_value = event.t;
        last.value = seen->value;
    }
    return last;
}

// How things may go on. Where changes are counted, it is best that nothing changes any more, a failure included.
enum class Future { well, as_it_is };

// Every observation that is still in flight or to come.
void go_on(const Probe& probe, const History& so_far, Time now, Time end, Future future, std::vector<Event>& events) {
    const Time since = now - probe.timeout - 2 * probe.every;
    const Last last = last_seen(so_far, probe, since);
    Time due = last.recent.empty() ? since : *last.recent.begin();
    for (; due < end; due += probe.every) {
        const auto near = last.recent.lower_bound(due - probe.every / 2);
        if (near != last.recent.end() && *near < due + probe.every / 2) continue;
        events.push_back(
            {due, event::Observed{probe.name, last.ok || future == Future::well, "", std::chrono::nanoseconds(0), last.value}});
    }
}

// Faults that are in force end as planned, those that are to come do.
void end_faults(const Experiment& experiment, Time t0, Time now, std::vector<Event>& events) {
    std::set<std::pair<std::string, std::string>> armed, over;
    for (const Event& event : events) {
        if (const auto* e = std::get_if<event::Armed>(&event.kind)) armed.insert({e->fault, e->target});
        if (const auto* e = std::get_if<event::Disarmed>(&event.kind)) over.insert({e->fault, e->target});
        if (const auto* e = std::get_if<event::Lost>(&event.kind)) over.insert({e->fault, e->target});
    }
    for (const auto& fault : experiment.faults)
        for (const auto& target : targets_of(fault)) {
            if (over.contains({fault.name, target})) continue;
            const Time from = std::max(now, t0 + fault.at), to = std::max(now, t0 + fault.at + fault.terms.duration);
            if (!armed.contains({fault.name, target})) events.push_back({from, event::Armed{fault.name, target, ""}});
            events.push_back({to, event::Disarmed{fault.name, target, {}, std::nullopt}});
        }
}

// A meter's judgement may still be saved by what it does not count.
bool is_of_meter(const Expectation& expectation) { return !meter(expectation).empty(); }

}  // namespace

std::vector<std::size_t> lost_expectations(const Experiment& experiment, const History& so_far, Time now) {
    const auto t0 = Timeline(experiment, so_far).t0();
    if (!t0) return {};
    std::vector<int> ways(experiment.expectations.size());  // in how many futures each is lost
    for (const Future future : {Future::well, Future::as_it_is}) {
        History best = so_far;
        for (const Probe& probe : experiment.probes) go_on(probe, so_far, now, *t0 + experiment.duration, future, best.events);
        end_faults(experiment, *t0, now, best.events);
        const Timeline timeline(experiment, best);
        for (std::size_t i = 0; i < ways.size(); i++) {
            const Expectation& expectation = experiment.expectations[i];
            const auto outcome = find(expectation, experiment, timeline).outcome;
            ways[i] += outcome == Outcome::deviated || (outcome == Outcome::inconclusive && !is_of_meter(expectation)) ? 1 : 0;
        }
    }
    std::vector<std::size_t> lost;
    for (std::size_t i = 0; i < ways.size(); i++)
        if (ways[i] == 2) lost.push_back(i);
    return lost;
}

}  // namespace blackstart
