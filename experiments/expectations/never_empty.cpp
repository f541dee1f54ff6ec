#include "experiments/expectations/never_empty.h"

#include <fmt/format.h>

#include <algorithm>

#include "experiments/expectations/figures.h"

namespace blackstart {
namespace {

bool empty(const Value& value) {
    if (const auto* text = std::get_if<std::string>(&value)) return text->empty();
    if (const auto* set = std::get_if<std::vector<std::string>>(&value)) return set->empty();
    return false;
}

bool is_empty(const Sample& sample) { return sample.seen->value && empty(*sample.seen->value); }

}  // namespace

Finding judge(const NeverEmpty&, const Evidence& evidence) {
    Finding finding;
    finding.limit = "never empty";
    finding.samples = evidence.samples.size();
    if (evidence.samples.empty()) {
        finding.why = evidence.scarcity();
        return finding;
    }
    const std::size_t n = evidence.samples.size();
    const auto without = static_cast<std::size_t>(std::ranges::count_if(evidence.samples, [](const Sample& s) { return !s.seen->value; }));
    const auto empties = static_cast<std::size_t>(std::ranges::count_if(evidence.samples, is_empty));
    finding.observed = fmt::format("empty in {} of {}", empties, counted(n - without, "value"));
    if (empties > 0) {
        const auto first = std::ranges::find_if(evidence.samples, is_empty);
        finding.outcome = Outcome::deviated;
        finding.at = first->t - evidence.t0;
        finding.why = first->seen->ok || first->seen->why.empty() ? "the value was empty" : "the value was empty: " + first->seen->why;
    } else if (without == n) {
        finding.why = "no observation has a value";
    } else if (evidence.too_few()) {
        finding.why = evidence.scarcity();
    } else if ((without + evidence.missing()) * 20 > n + evidence.missing()) {
        finding.why = fmt::format("{} of {} have no value: over 5%", without + evidence.missing(), n + evidence.missing());
    } else {
        finding.outcome = Outcome::held;
    }
    return finding;
}

}  // namespace blackstart
