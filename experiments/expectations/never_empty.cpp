#include "experiments/expectations/never_empty.h"

#include <fmt/format.h>

#include <algorithm>

#include "experiments/expectations/figures.h"
#include "experiments/expectations/values.h"

namespace blackstart {
namespace {

bool empty(const Value& value) {
    if (const auto* text = std::get_if<std::string>(&value)) return text->empty();
    if (const auto* set = std::get_if<std::vector<std::string>>(&value)) return set->empty();
    return std::get<double>(value) == 0;
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
    const auto with =
        static_cast<std::size_t>(std::ranges::count_if(evidence.samples, [](const Sample& s) { return s.seen->value.has_value(); }));
    const auto empties = static_cast<std::size_t>(std::ranges::count_if(evidence.samples, is_empty));
    finding.observed = fmt::format("empty in {} of {}", empties, counted(with, "value"));
    if (empties > 0) {
        const auto first = std::ranges::find_if(evidence.samples, is_empty);
        finding.outcome = Outcome::deviated;
        finding.at = first->t - evidence.t0;
        finding.why = std::holds_alternative<double>(*first->seen->value) ? "the value was 0" : "the value was empty";
        if (!first->seen->ok && !first->seen->why.empty()) finding.why += ": " + first->seen->why;
        return finding;
    }
    finding.why = doubt(evidence, with);
    if (finding.why.empty()) finding.outcome = Outcome::held;
    return finding;
}

}  // namespace blackstart
