#include "experiments/expectations/velocity.h"

#include <fmt/format.h>

#include <algorithm>

#include "experiments/expectations/figures.h"
#include "experiments/expectations/values.h"

namespace blackstart {
namespace {

constexpr double rounding = 1e-9;

struct Removal {
    Time t{0};
    std::size_t span = 0;
    double count = 0;
};

std::vector<Removal> removals(const std::vector<Number>& seen) {
    std::vector<const Sample*> samples(seen.size());
    std::ranges::transform(seen, samples.begin(), &Number::sample);
    samples = in_order(samples);
    std::vector<Removal> result;
    for (std::size_t i = 1; i < samples.size(); i++) {
        const Sample &last = *samples[i - 1], &now = *samples[i];
        const double count = last.span == now.span ? removed(*last.seen->value, *now.seen->value) : 0;
        if (count > 0) result.push_back({now.t, now.span, count});
    }
    return result;
}

struct Fastest {
    double most = 0;           // in any `per`
    std::optional<Time> over;  // when the limit was first passed
};

Fastest fastest(const std::vector<Removal>& all, std::chrono::nanoseconds per, double limit) {
    Fastest result;
    double sum = 0;
    for (std::size_t first = 0, i = 0; i < all.size(); i++) {
        sum += all[i].count;
        for (; all[first].span != all[i].span || all[first].t <= all[i].t - per; first++) sum -= all[first].count;
        result.most = std::max(result.most, sum);
        if (!result.over && sum > limit + rounding * std::max(1.0, limit)) result.over = all[i].t;
    }
    return result;
}

}  // namespace

Finding judge(const Velocity& condition, const Evidence& evidence, const Evidence& baseline) {
    Finding finding;
    finding.limit = fmt::format("removes at most {} per {}", percent_up(condition.removes_at_most), duration(condition.per));
    finding.samples = evidence.samples.size();
    const std::vector<Number> before = numbers(baseline, amount), seen = numbers(evidence, amount);
    finding.why = doubt(baseline, before.size());
    if (finding.why.empty() && !(median(before) > 0)) finding.why = "its median is " + number_text(median(before));
    if (!finding.why.empty()) {
        finding.why = "in the baseline, " + finding.why;
        return finding;
    }
    const double middle = median(before);
    const auto [most, over] = fastest(removals(seen), condition.per, condition.removes_at_most * middle);
    if (!seen.empty()) {
        finding.observed = fmt::format("{} removed in {} at the most: {} of a median of {}", number_text(most), duration(condition.per),
                                       percent_up(most / middle), number_text(middle));
    }
    if (over) {
        finding.outcome = Outcome::deviated;
        finding.at = *over - evidence.t0;
        finding.why = fmt::format("over {} were gone within {}", number_text(condition.removes_at_most * middle), duration(condition.per));
        return finding;
    }
    finding.why = doubt(evidence, seen.size());
    if (finding.why.empty()) finding.outcome = Outcome::held;
    return finding;
}

}  // namespace blackstart
