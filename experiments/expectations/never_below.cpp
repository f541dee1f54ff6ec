#include "experiments/expectations/never_below.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "experiments/expectations/figures.h"
#include "experiments/expectations/values.h"

namespace blackstart {
namespace {

constexpr double rounding = 1e-9;  // 0.07 · 100 is a little over 7

}  // namespace

Finding judge(const NeverBelow& condition, const Evidence& evidence, const Evidence& baseline) {
    Finding finding;
    finding.limit = "never below " + condition.text + (condition.share ? " of the baseline's median" : "");
    finding.samples = evidence.samples.size();
    double floor = condition.floor;
    std::string of;
    if (condition.share) {
        const std::vector<Number> before = numbers(baseline, amount);
        if (auto why = doubt(baseline, before.size()); !why.empty()) {
            finding.why = "in the baseline, " + why;
            return finding;
        }
        const double middle = median(before);
        floor *= middle;
        of = fmt::format(", of a median of {}", number_text(middle));
    }
    const std::vector<Number> seen = numbers(evidence, amount);
    const auto lowest = std::ranges::min_element(seen, {}, &Number::value);
    if (lowest != seen.end()) finding.observed = fmt::format("{} at the lowest{}", number_text(lowest->value), of);
    const auto under = std::ranges::find_if(seen, [&](const Number& n) { return n.value < floor - std::abs(floor) * rounding; });
    if (under != seen.end()) {
        finding.outcome = Outcome::deviated;
        finding.at = under->sample->t - evidence.t0;
        finding.why = fmt::format("{}, under {}", number_text(under->value), number_text(floor));
        return finding;
    }
    finding.why = doubt(evidence, seen.size());
    if (finding.why.empty()) finding.outcome = Outcome::held;
    return finding;
}

}  // namespace blackstart
