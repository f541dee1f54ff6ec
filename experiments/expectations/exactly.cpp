#include "experiments/expectations/exactly.h"

#include <fmt/format.h>

#include <algorithm>

#include "experiments/expectations/figures.h"
#include "experiments/expectations/values.h"

namespace blackstart {

Finding judge(const Exactly& condition, const Evidence& evidence) {
    Finding finding;
    finding.limit = "exactly " + number_text(condition.count);
    finding.samples = evidence.samples.size();
    const std::vector<Number> seen = numbers(evidence, amount);
    const auto other = [&](const Number& n) { return n.value != condition.count; };
    const auto others = static_cast<std::size_t>(std::ranges::count_if(seen, other));
    if (!seen.empty()) finding.observed = fmt::format("another count in {} of {}", others, counted(seen.size(), "value"));
    if (others > 0) {
        const auto first = std::ranges::find_if(seen, other);
        finding.outcome = Outcome::deviated;
        finding.at = first->sample->t - evidence.t0;
        finding.why = fmt::format("{}: {}", number_text(first->value), value_text(*first->sample->seen->value));
        return finding;
    }
    finding.why = doubt(evidence, seen.size());
    if (finding.why.empty()) finding.outcome = Outcome::held;
    return finding;
}

}  // namespace blackstart
