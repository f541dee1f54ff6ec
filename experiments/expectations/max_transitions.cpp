#include "experiments/expectations/max_transitions.h"

#include <fmt/format.h>

#include "experiments/expectations/figures.h"

namespace blackstart {

Finding judge(const MaxTransitions& condition, const Evidence& evidence) {
    const std::size_t most = condition.most > 0 ? static_cast<std::size_t>(condition.most) : 0;
    Finding finding;
    finding.limit = "<= " + counted(most, "transition");
    finding.samples = evidence.samples.size();
    std::size_t changes = 0;
    for (std::size_t i = 1; i < evidence.samples.size(); i++) {
        const Sample &last = evidence.samples[i - 1], &now = evidence.samples[i];
        if (last.span != now.span || last.seen->ok == now.seen->ok) continue;
        if (++changes == most + 1) {
            finding.outcome = Outcome::deviated;
            finding.at = now.t - evidence.t0;
            finding.why = said(*now.seen);
        }
    }
    if (!evidence.samples.empty()) finding.observed = counted(changes, "transition");
    if (finding.outcome == Outcome::deviated) return finding;
    if (evidence.samples.empty() || evidence.too_few()) {
        finding.why = evidence.scarcity();
    } else if (changes + 2 * evidence.missing() > most && evidence.missing() > 0) {
        finding.why = "what is missing could hide more: " + evidence.scarcity();
    } else {
        finding.outcome = Outcome::held;
    }
    return finding;
}

}  // namespace blackstart
