#include "experiments/expectations/never_backwards.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "experiments/expectations/figures.h"
#include "experiments/expectations/values.h"

namespace blackstart {

Finding judge(const NeverBackwards&, const Evidence& evidence) {
    Finding finding;
    finding.limit = "never backwards";
    finding.samples = evidence.samples.size();
    const std::vector<Number> seen = numbers(evidence, number);
    std::size_t steps_back = 0;
    std::optional<double> highest;  // that was there before this observation began, since the last step back
    std::vector<Number> unanswered;
    for (const Number& now : seen) {
        std::erase_if(unanswered, [&](const Number& earlier) {
            if (earlier.sample->t + earlier.sample->seen->latency > now.sample->t) return false;
            highest = std::max(highest.value_or(earlier.value), earlier.value);
            return true;
        });
        if (highest && now.value < *highest) {
            if (++steps_back == 1) {
                finding.outcome = Outcome::deviated;
                finding.at = now.sample->t - evidence.t0;
                finding.why = fmt::format("{} after {}", number_text(now.value), number_text(*highest));
            }
            highest.reset();
            unanswered.clear();
        }
        unanswered.push_back(now);
    }
    if (!seen.empty()) finding.observed = fmt::format("{} back in {}", counted(steps_back, "step"), counted(seen.size(), "value"));
    if (finding.outcome == Outcome::deviated) return finding;
    finding.why = doubt(evidence, seen.size());
    if (finding.why.empty()) finding.outcome = Outcome::held;
    return finding;
}

}  // namespace blackstart
