#include "experiments/verdict.h"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>

#include "experiments/expectations/baseline.h"
#include "experiments/expectations/explanation.h"
#include "experiments/expectations/figures.h"
#include "experiments/expectations/judgement.h"
#include "experiments/proof.h"

namespace blackstart {
namespace {

// How the run went, apart from its faults and observations.
struct Course {
    bool t0 = false, ended = false;
    std::optional<event::Restored> restored;  // the last look; of two at one time, the worse
    std::optional<std::string> tripped, unsteady;
    std::optional<int> signal;  // the first
};

template <class Kind, class Better> void keep(std::optional<std::pair<Time, Kind>>& kept, Time t, const Kind& kind, Better better) {
    if (!kept || better(std::pair(t, kind), *kept)) kept = {t, kind};
}

Course course(const History& history) {
    Course course;
    std::optional<std::pair<Time, event::Restored>> restored;
    std::optional<std::pair<Time, std::string>> tripped, unsteady;
    std::optional<std::pair<Time, int>> signal;
    const auto earlier = [](const auto& a, const auto& b) { return a < b; };
    const auto later_or_worse = [](const auto& a, const auto& b) {
        const auto key = [](const auto& r) { return std::tuple(r.first, !r.second.whole, r.second.left); };
        return key(a) > key(b);
    };
    for (const Event& event : history.events) {
        course.t0 = course.t0 || std::holds_alternative<event::T0>(event.kind);
        course.ended = course.ended || std::holds_alternative<event::Ended>(event.kind);
        if (const auto* e = std::get_if<event::Restored>(&event.kind)) keep(restored, event.t, *e, later_or_worse);
        if (const auto* e = std::get_if<event::Tripped>(&event.kind)) keep(tripped, event.t, e->probe + ": " + e->why, earlier);
        if (const auto* e = std::get_if<event::Unsteady>(&event.kind)) keep(unsteady, event.t, e->why, earlier);
        if (const auto* e = std::get_if<event::Interrupted>(&event.kind)) keep(signal, event.t, e->signal, earlier);
    }
    if (restored) course.restored = restored->second;
    if (tripped) course.tripped = tripped->second;
    if (unsteady) course.unsteady = unsteady->second;
    if (signal) course.signal = signal->second;
    return course;
}

std::string signal_name(int signal) {
    if (signal == SIGINT) return "SIGINT";
    if (signal == SIGTERM) return "SIGTERM";
    return fmt::format("signal {}", signal);
}

bool any_fault_proved(const std::vector<Proof>& faults) {
    return std::ranges::any_of(faults, [&](const Proof& one) {
        return std::ranges::all_of(faults, [&](const Proof& other) { return other.fault != one.fault || other.proved; });
    });
}

std::string sentence(const Expectation& expectation, const Finding& finding) {
    std::string text = subject(expectation);
    if (!finding.observed.empty()) text += fmt::format(": {}", finding.observed);
    text += fmt::format(", limit {}", finding.limit);
    if (finding.outcome == Outcome::inconclusive && !finding.why.empty()) text += fmt::format("; {}", finding.why);
    return text;
}

struct Decision {
    int exit_code;
    Outcome verdict;
    std::string reason;
};
Decision inconclusive(std::string reason, int exit_code = 3) { return {exit_code, Outcome::inconclusive, std::move(reason)}; }

// The rungs above all expectations, in DESIGN §3's order: the run itself is no evidence.
std::optional<Decision> spoiled(const Course& run, const Verdict& verdict, const std::string& lapsed_fault) {
    if (run.restored && !run.restored->whole) {
        return inconclusive(fmt::format("the host is not whole: {}", fmt::join(run.restored->left, ", ")), 5);
    }
    if (run.signal && run.restored) return inconclusive("interrupted by " + signal_name(*run.signal), 128 + *run.signal);
    if (!run.restored) return inconclusive("the history ends before the host was found whole: the run was killed or could not record");
    if (!run.ended) return inconclusive("the history has no end: the run was killed or could not record");
    if (run.tripped) return inconclusive("a guard tripped: " + *run.tripped);
    if (!verdict.baseline) return inconclusive("the baseline did not hold: " + verdict.baseline_why);
    if (!lapsed_fault.empty()) return inconclusive(fmt::format("the lease of {} lapsed: the run did not keep up", lapsed_fault));
    return std::nullopt;
}

// Of the first expectation with that outcome; nullopt if there is none.
std::optional<std::string> first(Outcome outcome, const Experiment& experiment, const Verdict& verdict) {
    const auto found = std::ranges::find_if(verdict.expectations, [&](const Judged& j) { return j.finding.outcome == outcome; });
    if (found == verdict.expectations.end()) return std::nullopt;
    return sentence(experiment.expectations[found->index], found->finding);
}

Decision decide(const Experiment& experiment, const Verdict& verdict) {
    const auto unproved = std::ranges::find(verdict.faults, false, &Proof::proved);
    const auto doubt = [&] { return fmt::format("{} on {} is not proved: {}", unproved->fault, unproved->target, unproved->why); };
    if (verdict.faults.empty()) return inconclusive("there is no fault: nothing was asked of the system");
    if (verdict.expectations.empty()) return inconclusive("there is no expectation: nothing can be held");
    if (!any_fault_proved(verdict.faults)) return inconclusive(doubt());
    if (auto what = first(Outcome::deviated, experiment, verdict)) return {1, Outcome::deviated, std::move(*what)};
    if (unproved != verdict.faults.end()) return inconclusive(doubt());
    if (auto what = first(Outcome::inconclusive, experiment, verdict)) return inconclusive(std::move(*what));
    return {0, Outcome::held, "every expectation was met, every fault was proved, the host is whole"};
}

}  // namespace

Verdict judge(const Experiment& experiment, const History& history) {
    const Timeline timeline(experiment, history);
    const Course run = course(history);
    Verdict verdict;
    verdict.restored = run.restored && run.restored->whole;
    verdict.baseline_why = run.unsteady ? "looked at before t0: " + *run.unsteady
                           : run.t0     ? unsteady(experiment, timeline)
                                        : "the run ended before t0";
    verdict.baseline = verdict.baseline_why.empty();
    verdict.faults = proofs(experiment, history);
    for (std::size_t i = 0; i < experiment.expectations.size(); i++) {
        const Expectation& expectation = experiment.expectations[i];
        Finding finding = find(expectation, experiment, timeline);
        auto explanation = explain(expectation, finding, history, timeline);
        verdict.expectations.push_back({i, expectation.probe, condition(expectation), std::move(finding), std::move(explanation)});
    }
    Decision decision = spoiled(run, verdict, lapsed(history)).value_or(decide(experiment, verdict));
    verdict.exit_code = decision.exit_code;
    verdict.verdict = decision.verdict;
    verdict.reason = std::move(decision.reason);
    return verdict;
}

std::string baseline_failure(const Experiment& experiment, const History& history) {
    return unsteady(experiment, Timeline(experiment, history));
}

}  // namespace blackstart
