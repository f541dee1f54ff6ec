#include "experiments/expectations/baseline.h"

#include <fmt/format.h>

#include <algorithm>

#include "experiments/expectations/figures.h"
#include "experiments/expectations/latency.h"

namespace blackstart {
namespace {

constexpr std::size_t fewest = 10;
constexpr std::size_t least_percent = 95;

std::size_t ok_count(const Evidence& evidence) {
    return static_cast<std::size_t>(std::ranges::count_if(evidence.samples, [](const Sample& s) { return s.seen->ok; }));
}

std::string breaks(const SuccessLimit& condition, const Evidence& evidence) {
    const std::size_t ok = ok_count(evidence), n = evidence.samples.size();
    if (!wants_more(condition.limit) || meets(static_cast<double>(ok) / static_cast<double>(n), condition.limit)) return "";
    return fmt::format("was ok in {}, limit {}", percent(ok, n), condition.limit.text);
}

std::string breaks(const LatencyLimits& condition, const Evidence& evidence) {
    const std::vector<double> sorted = latencies(evidence);
    for (const auto& [q, limit] : condition.quantiles) {
        const double seen = nearest_rank(sorted, q);
        if (wants_more(limit) || meets(seen, limit)) continue;
        return fmt::format("had a {} of {}, limit {}", quantile_name(q), latency_text(seen), limit.text);
    }
    return "";
}

// The others are about what a fault does.
template <class Other> std::string breaks(const Other&, const Evidence&) { return ""; }

std::string unsteady(const Evidence& evidence) {
    const std::size_t n = evidence.samples.size(), ok = ok_count(evidence);
    if (n < fewest) return fmt::format("has {} in the baseline, and {} are needed", counted(n, "observation"), fewest);
    if (evidence.too_few()) return "did not keep up: " + evidence.scarcity();
    if (ok * 100 < n * least_percent) {
        const auto bad = std::ranges::find_if(evidence.samples, [](const Sample& s) { return !s.seen->ok; });
        return fmt::format("was ok in {} of {} only, and {}% is needed: {}", percent(ok, n), counted(n, "observation"), least_percent,
                           said(*bad->seen));
    }
    return "";
}

}  // namespace

std::string unsteady(const Experiment& experiment, const Timeline& timeline) {
    for (const Expectation& expectation : experiment.expectations) {
        const auto* agrees = std::get_if<AgreesWith>(&expectation.condition);
        for (const std::string& name : {expectation.probe, agrees != nullptr ? agrees->other : ""}) {
            const auto probe = std::ranges::find(experiment.probes, name, &Probe::name);
            if (probe == experiment.probes.end() || !probe->baseline) continue;
            const Evidence evidence = timeline.evidence(*probe, "baseline");
            std::string why = unsteady(evidence);
            if (why.empty()) why = std::visit([&](const auto& c) { return breaks(c, evidence); }, expectation.condition);
            if (!why.empty()) return probe->name + " " + why;
        }
    }
    return "";
}

}  // namespace blackstart
