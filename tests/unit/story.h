// Experiments and histories made by hand. Times are seconds from t0, unless they say otherwise; the origin lies anywhere.
#pragma once

#include <cmath>
#include <functional>
#include <string>
#include <utility>

#include "experiments/expectations/judgement.h"
#include "experiments/experiment.h"
#include "experiments/history.h"
#include "experiments/verdict.h"

namespace blackstart {

inline Time at(double seconds) { return Time(std::llround(seconds * 1e9)); }

inline Limit at_least(double share, const std::string& text) { return {Limit::Op::at_least, share, text}; }
inline Limit at_most(double value, const std::string& text) { return {Limit::Op::at_most, value, text}; }

// A run of 20 s after a baseline of 5 s; the fault "lie" is on "web" from 2 s to 12 s; the probe "customers" looks ten times
// a second and finds all well within 10 ms.
struct Story {
    static constexpr double every = 0.1, duration = 20;
    Experiment experiment;
    History history;
    Time t0;

    explicit Story(Time t0_ = at(5.4321)) : t0(t0_) {
        experiment.name = "checks-lie";
        experiment.title = "The pool keeps serving while every health check lies";
        experiment.duration = at(duration);
        add_probe("customers");
        add_fault("lie", {"web"}, 2, 10);
        history.experiment = experiment.name;
        history.version = "0.1.0";
        add(-5, event::Started{});
        add(0, event::T0{});
        add(2, event::Armed{"lie", "web", "tcx"});
        add(12, event::Disarmed{"lie", "web", {40, 36, 0, 0, false}, std::nullopt});
        add(21, event::Restored{true, {}});
        add(21, event::Ended{});
        observe("customers", -5, duration);
    }

    void add_probe(const std::string& name) {
        Probe probe;
        probe.name = name;
        probe.every = at(every);
        experiment.probes.push_back(probe);
    }
    void add_fault(const std::string& name, std::vector<std::string> targets, double from, double length) {
        PlannedFault fault;
        fault.name = name;
        fault.fault = HealthFault{};
        fault.targets = std::move(targets);
        fault.at = at(from);
        fault.terms.duration = at(length);
        experiment.faults.push_back(fault);
    }
    void expect(Condition condition, const std::string& during = "", const std::string& probe = "customers") {
        experiment.expectations.push_back({probe, during, std::move(condition)});
    }
    void add(double t, EventKind kind) { history.events.push_back({t0 + at(t), std::move(kind)}); }

    // One observation every tenth of a second in [from, to), 30 ms after the full one.
    void observe(const std::string& probe, double from, double to) {
        const auto ticks = std::llround((to - from) / every);
        for (long long i = 0; i < ticks; i++) {
            add(from + static_cast<double>(i) * every + 0.03,
                event::Observed{probe, true, "", at(0.01), std::vector<std::string>{"10.0.0.1"}});
        }
    }
    using Change = std::function<void(event::Observed&)>;
    // Changes what the probe saw in [from, to).
    void change(double from, double to, const Change& change_, const std::string& probe = "customers") {
        for (Event& event : history.events) {
            auto* seen = std::get_if<event::Observed>(&event.kind);
            if (seen != nullptr && seen->probe == probe && event.t >= t0 + at(from) && event.t < t0 + at(to)) change_(*seen);
        }
    }
    void fail(double from, double to, const std::string& why = "status 503", const std::string& probe = "customers") {
        change(
            from, to, [&](event::Observed& seen) { seen.ok = false, seen.why = why; }, probe);
    }
    void silence(double from, double to, const std::string& probe = "customers") {
        std::erase_if(history.events, [&](const Event& event) {
            const auto* seen = std::get_if<event::Observed>(&event.kind);
            return seen != nullptr && seen->probe == probe && event.t >= t0 + at(from) && event.t < t0 + at(to);
        });
    }
    template <class Kind> void forget() {
        std::erase_if(history.events, [](const Event& event) { return std::holds_alternative<Kind>(event.kind); });
    }
    template <class Kind> Kind& the() {
        for (Event& event : history.events) {
            if (auto* kind = std::get_if<Kind>(&event.kind)) return *kind;
        }
        throw std::logic_error("no such event");
    }

    [[nodiscard]] Verdict verdict() const { return judge(experiment, history); }
    [[nodiscard]] Finding finding() const { return find(experiment.expectations.at(0), experiment, Timeline(experiment, history)); }
    [[nodiscard]] Outcome outcome() const { return finding().outcome; }
};

inline void PrintTo(Outcome outcome, std::ostream* out) { *out << to_string(outcome); }

}  // namespace blackstart
