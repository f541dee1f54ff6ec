#include "experiments/expectations/latency.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "experiments/expectations/figures.h"

namespace blackstart {
namespace {

constexpr double infinite = std::numeric_limits<double>::infinity();
constexpr double rounding = 1e-9;  // 0.07 · 100 is a little over 7

double of(const event::Observed& seen) { return seen.ok ? static_cast<double>(seen.latency.count()) : infinite; }

bool enough(std::size_t n, double q) { return static_cast<double>(n) * (1 - q) >= 1 - rounding; }

// The quantile if everything that is missing had taken `missing_is`.
double padded_rank(std::vector<double> sorted, std::size_t missing, double missing_is, double q) {
    sorted.insert(missing_is > 0 ? sorted.end() : sorted.begin(), missing, missing_is);
    return nearest_rank(sorted, q);
}

struct One {  // the finding of one quantile
    Outcome outcome = Outcome::inconclusive;
    std::string why;
};

One judge_one(double q, const Limit& limit, const Evidence& evidence, const std::vector<double>& sorted) {
    if (!enough(sorted.size(), q)) {
        const auto needed = q < 1 ? fmt::format("{:.0f}", std::ceil(1 / (1 - q) - rounding)) : "more than there can be";
        return {Outcome::inconclusive, fmt::format("{} needs {} samples, there are {}", quantile_name(q), needed, sorted.size())};
    }
    const double good = wants_more(limit) ? infinite : 0, bad = wants_more(limit) ? 0 : infinite;
    if (!meets(padded_rank(sorted, evidence.missing(), good, q), limit)) return {Outcome::deviated, ""};
    if (evidence.too_few()) return {Outcome::inconclusive, evidence.scarcity()};
    if (meets(padded_rank(sorted, evidence.missing(), bad, q), limit)) return {Outcome::held, ""};
    return {Outcome::inconclusive, "what is missing could decide it: " + evidence.scarcity()};
}

}  // namespace

std::vector<double> latencies(const Evidence& evidence) {
    std::vector<double> result;
    result.reserve(evidence.samples.size());
    for (const Sample& sample : evidence.samples) result.push_back(of(*sample.seen));
    std::sort(result.begin(), result.end());
    return result;
}

double nearest_rank(const std::vector<double>& sorted, double q) {
    const double rank = std::ceil(q * static_cast<double>(sorted.size()) - rounding);
    const auto index = static_cast<std::size_t>(std::max(rank, 1.0)) - 1;
    return sorted[std::min(index, sorted.size() - 1)];
}

std::string quantile_name(double q) { return fmt::format("p{}", std::round(q * 1e8) / 1e6); }

std::string latency_text(double ns) {
    if (std::isinf(ns)) return "a failure";
    return duration(std::chrono::nanoseconds(static_cast<std::int64_t>(ns)));
}

Finding judge(const LatencyLimits& condition, const Evidence& evidence) {
    Finding finding;
    finding.outcome = Outcome::held;
    finding.samples = evidence.samples.size();
    const std::vector<double> sorted = latencies(evidence);
    const Limit* broken = nullptr;
    for (const auto& [q, limit] : condition.quantiles) {
        const char* comma = finding.limit.empty() ? "" : ", ";
        finding.limit += fmt::format("{}{} {}", comma, quantile_name(q), limit.text);
        if (sorted.empty()) continue;
        finding.observed += fmt::format("{}{} {}", comma, quantile_name(q), latency_text(nearest_rank(sorted, q)));
        const One one = judge_one(q, limit, evidence, sorted);
        if (one.outcome == Outcome::deviated && broken == nullptr) broken = &limit;
        if (one.outcome > finding.outcome) {
            finding.outcome = one.outcome;
            finding.why = one.why;
        }
    }
    if (sorted.empty() || condition.quantiles.empty()) {
        finding.outcome = Outcome::inconclusive;
        finding.why = evidence.scarcity();
    }
    if (broken != nullptr) {
        const auto first = std::ranges::find_if(evidence.samples, [&](const Sample& s) { return !meets(of(*s.seen), *broken); });
        if (first == evidence.samples.end()) return finding;
        finding.at = first->t - evidence.t0;
        finding.why = first->seen->ok ? "took " + duration(first->seen->latency) : said(*first->seen);
    }
    return finding;
}

}  // namespace blackstart
