#include "experiments/expectations/flap.h"

#include <fmt/format.h>

#include <algorithm>

#include "experiments/expectations/figures.h"
#include "experiments/expectations/values.h"

namespace blackstart {
namespace {

constexpr std::size_t states = 21;

Time length(const Evidence& evidence) {
    Time sum{0};
    for (const Span& span : evidence.spans) sum += span.to - span.from;
    return sum;
}

// The time that lies `into` the window, its pauses left out.
std::pair<Time, std::size_t> moment_at(const Evidence& evidence, Time into) {
    std::size_t i = 0;
    for (; i + 1 < evidence.spans.size() && into > evidence.spans[i].to - evidence.spans[i].from; i++)
        into -= evidence.spans[i].to - evidence.spans[i].from;
    return {evidence.spans[i].from + into, i};
}

// The newest observation of the span then, or its first one; nullptr if there is none within three intervals, or one step.
const Sample* state_at(const Evidence& evidence, Time into, Time step) {
    const auto [t, span] = moment_at(evidence, into);
    const Sample* found = nullptr;
    for (const Sample& sample : evidence.samples) {
        if (sample.span != span) continue;
        if (found != nullptr && sample.t > t) break;
        found = &sample;
    }
    const Time known = std::max(3 * evidence.every, step);
    return found == nullptr || found->t - t > known || t - found->t > known ? nullptr : found;
}

}  // namespace

Finding judge(const Flap& condition, const Evidence& evidence) {
    Finding finding;
    finding.limit = condition.limit.text;
    finding.samples = evidence.samples.size();
    if (evidence.samples.size() < states || evidence.too_few()) {
        finding.why = evidence.samples.empty() || evidence.too_few()
                          ? evidence.scarcity()
                          : fmt::format("{}, and {} are needed", counted(evidence.samples.size(), "observation"), states);
        return finding;
    }
    const Time step = length(evidence) / (states - 1);
    double weighted = 0;
    const Sample* last = nullptr;
    const Sample* newest = nullptr;  // that shows a change
    for (std::size_t i = 0; i < states; i++) {
        const Sample* now = state_at(evidence, step * i, step);
        if (now == nullptr) {
            finding.why = fmt::format("the probe was silent at {}", moment(moment_at(evidence, step * i).first - evidence.t0));
            return finding;
        }
        if (last != nullptr && last->seen->ok != now->seen->ok) {
            weighted += 0.75 + 0.5 * static_cast<double>(i - 1) / static_cast<double>(states - 2);
            newest = now;
        }
        last = now;
    }
    const double share = weighted / static_cast<double>(states - 1);
    finding.observed = wants_more(condition.limit) ? percent_down(share) : percent_up(share);
    finding.outcome = meets(share, condition.limit) ? Outcome::held : Outcome::deviated;
    if (finding.outcome == Outcome::held) return finding;
    if (newest != nullptr) finding.at = newest->t - evidence.t0;
    finding.why = newest != nullptr ? said(*newest->seen) : "it did not change";
    return finding;
}

}  // namespace blackstart
