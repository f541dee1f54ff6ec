#include "experiments/expectations/max_undos.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "experiments/expectations/figures.h"
#include "experiments/expectations/values.h"

namespace blackstart {
namespace {

// A fault began or ended while the value changed from what one observation had to what the next one has.
bool caused(const Sample& last, const Sample& now, const std::vector<Time>& faults_changed) {
    const auto after = std::ranges::lower_bound(faults_changed, last.t);
    return after != faults_changed.end() && *after <= now.t + now.seen->latency;
}

}  // namespace

Finding judge(const MaxUndos& condition, const Evidence& evidence, const std::vector<Time>& faults_changed) {
    const std::size_t most = condition.most > 0 ? static_cast<std::size_t>(condition.most) : 0;
    Finding finding;
    finding.limit = "<= " + counted(most, "undo");
    finding.samples = evidence.samples.size();
    const Sample *last = nullptr, *one = nullptr, *two = nullptr;  // the last with a value; v[i−1] and v[i−2] by their first sample
    std::size_t undos = 0;
    std::vector<const Sample*> with;
    for (const Sample& sample : evidence.samples)
        if (sample.seen->value) with.push_back(&sample);
    for (const Sample* at : in_order(with)) {
        const Sample& now = *at;
        if (last == nullptr || last->span != now.span || (now.seen->value != last->seen->value && caused(*last, now, faults_changed))) {
            one = &now;
            two = nullptr;
        } else if (now.seen->value != last->seen->value) {
            if (two != nullptr && two->seen->value == now.seen->value && ++undos == most + 1) {
                finding.outcome = Outcome::deviated;
                finding.at = now.t - evidence.t0;
                finding.why = fmt::format("back to {}, after {}", value_text(*now.seen->value), value_text(*one->seen->value));
            }
            two = std::exchange(one, &now);
        }
        last = &now;
    }
    if (!with.empty()) finding.observed = fmt::format("{} in {}", counted(undos, "undo"), counted(with.size(), "value"));
    if (finding.outcome == Outcome::deviated) return finding;
    finding.why = doubt(evidence, with.size());
    if (finding.why.empty()) finding.outcome = Outcome::held;
    return finding;
}

}  // namespace blackstart
