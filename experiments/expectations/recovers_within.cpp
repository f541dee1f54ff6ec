#include "experiments/expectations/recovers_within.h"

#include <fmt/format.h>

#include <algorithm>

#include "experiments/expectations/figures.h"

namespace blackstart {
namespace {

using Samples = std::vector<Sample>;

Evidence since(Time event, const Evidence& evidence) {
    Evidence cut{.samples = {}, .spans = {}, .every = evidence.every, .t0 = evidence.t0};
    for (std::size_t i = 0; i < evidence.spans.size() && cut.spans.empty(); i++) {
        if (evidence.spans[i].to <= event) continue;
        cut.spans.push_back({std::max(event, evidence.spans[i].from), evidence.spans[i].to});
        std::ranges::copy_if(evidence.samples, std::back_inserter(cut.samples),
                             [&](const Sample& s) { return s.span == i && s.t >= event; });
    }
    return cut;
}

// The longest time between an observation and the next, the window's ends included, and when it began.
Span longest_silence(const Evidence& evidence) {
    Span longest;
    Time last = evidence.spans.front().from;
    const auto until = [&](Time t) {
        if (t - last > longest.to - longest.from) longest = {last, t};
        last = t;
    };
    for (const Sample& sample : evidence.samples) until(sample.t);
    until(evidence.spans.back().to);
    return longest;
}

struct Stretch {
    Samples::const_iterator first, end;  // ok, all of them
    [[nodiscard]] bool lasts(Time hold) const { return first != end && std::prev(end)->t - first->t >= hold; }
};

Stretch next_ok(Samples::const_iterator from, Samples::const_iterator end) {
    const auto first = std::find_if(from, end, [](const Sample& s) { return s.seen->ok; });
    return {first, std::find_if(first, end, [](const Sample& s) { return !s.seen->ok; })};
}

// The first ok stretch that lasts, or else the last one, which may be none.
Stretch recovery(Samples::const_iterator detected, Samples::const_iterator end, Time hold) {
    Stretch stretch = next_ok(detected, end);
    while (!stretch.lasts(hold) && stretch.end != end) stretch = next_ok(stretch.end, end);
    return stretch;
}

// Why nothing holds on this evidence, however well the observations look; "" if it may.
std::string doubt(const RecoversWithin& condition, const Evidence& evidence) {
    if (evidence.too_few()) return evidence.scarcity();
    const Span silence = longest_silence(evidence);
    if (silence.to - silence.from > std::max(3 * evidence.every, condition.hold / 5)) {
        return fmt::format("the probe was silent for {} from {}", duration(silence.to - silence.from), moment(silence.from - evidence.t0));
    }
    return "";
}

Finding undisturbed(Finding finding, const RecoversWithin& condition, const Evidence& evidence, Time event) {
    const Time watched = evidence.samples.back().t - event;
    finding.observed = fmt::format("undisturbed for {}", duration(watched));
    finding.why =
        watched < condition.hold ? fmt::format("the window is over before {}", duration(condition.hold)) : doubt(condition, evidence);
    if (finding.why.empty()) finding.outcome = Outcome::held;
    return finding;
}

// Whether the recovery, or what there is of it, began too late. Where it began in a silence of the probe, that cannot be told.
Outcome lateness(const RecoversWithin& condition, const Evidence& evidence, Time event, const Stretch& stretch) {
    const auto last_bad = std::prev(stretch.first);
    if (last_bad->t - event >= condition.within) return Outcome::deviated;
    if (stretch.first == evidence.samples.end() || stretch.first->t - event <= condition.within) return Outcome::held;
    return doubt(condition, evidence).empty() ? Outcome::deviated : Outcome::inconclusive;
}

Finding disturbed(Finding finding, const RecoversWithin& condition, const Evidence& evidence, Time event,
                  Samples::const_iterator detected) {
    const Stretch stretch = recovery(detected, evidence.samples.end(), condition.hold);
    const Outcome lateness_ = lateness(condition, evidence, event, stretch);
    const bool lasts = stretch.lasts(condition.hold), relapsed = stretch.end != evidence.samples.end();
    finding.observed = "detected after " + duration(detected->t - event);
    finding.observed += lasts ? ", recovered after " + duration(stretch.first->t - event) : ", not recovered when the window ended";
    if (relapsed) finding.observed += ", relapsed after " + duration(stretch.end->t - event);

    const Sample& decisive = relapsed ? *stretch.end : *std::prev(stretch.first);
    finding.at = decisive.t - evidence.t0;
    if (relapsed || lateness_ == Outcome::deviated) {
        finding.outcome = Outcome::deviated;
        finding.why = said(*decisive.seen);
        return finding;
    }
    finding.why = lasts ? doubt(condition, evidence) : fmt::format("the window is over before {} could hold", duration(condition.hold));
    if (finding.why.empty() && lateness_ == Outcome::held) finding.outcome = Outcome::held;
    return finding;
}

}  // namespace

Finding judge(const RecoversWithin& condition, const Evidence& evidence, std::optional<Time> event) {
    Finding finding;
    const char* end = condition.stop ? "stop" : "start";
    finding.limit = fmt::format("{} after {}.{}, hold {}", duration(condition.within), condition.fault, end, duration(condition.hold));
    if (!event) {
        finding.why = fmt::format("no {} of {} is recorded", end, condition.fault);
        return finding;
    }
    const Evidence after = since(*event, evidence);
    finding.samples = after.samples.size();
    if (after.samples.empty()) {
        finding.why = fmt::format("the probe observed nothing in the window after {}.{}", condition.fault, end);
        return finding;
    }
    const auto detected = std::ranges::find_if(after.samples, [](const Sample& s) { return !s.seen->ok; });
    if (detected == after.samples.end()) return undisturbed(std::move(finding), condition, after, *event);
    return disturbed(std::move(finding), condition, after, *event, detected);
}

}  // namespace blackstart
