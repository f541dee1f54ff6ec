#include "experiments/expectations/never_backwards.h"

#include <fmt/format.h>

#include <algorithm>

#include "experiments/expectations/figures.h"
#include "experiments/expectations/values.h"

namespace blackstart {

Finding judge(const NeverBackwards&, const Evidence& evidence) {
    Finding finding;
    finding.limit = "never backwards";
    finding.samples = evidence.samples.size();
    const std::vector<Number> seen = numbers(evidence, number);
    std::size_t steps_back = 0;
    for (std::size_t i = 1; i < seen.size(); i++) {
        if (seen[i].value >= seen[i - 1].value || ++steps_back > 1) continue;
        finding.outcome = Outcome::deviated;
        finding.at = seen[i].sample->t - evidence.t0;
        finding.why = fmt::format("{} after {}", number_text(seen[i].value), number_text(seen[i - 1].value));
    }
    if (!seen.empty()) finding.observed = fmt::format("{} back in {}", counted(steps_back, "step"), counted(seen.size(), "value"));
    if (finding.outcome == Outcome::deviated) return finding;
    finding.why = doubt(evidence, seen.size());
    if (finding.why.empty()) finding.outcome = Outcome::held;
    return finding;
}

}  // namespace blackstart
