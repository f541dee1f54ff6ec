#include "experiments/expectations/windows.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "experiments/expectations/figures.h"

namespace blackstart {
namespace {

constexpr Time forever = Time::max();

void earliest(std::optional<Time>& of, Time t) { of = of ? std::min(*of, t) : t; }
void latest(std::optional<Time>& of, Time t) { of = of ? std::max(*of, t) : t; }

// A total order, so that judging does not depend on the order of lines. Ok first: a change at one instant is for the worse.
bool before(const Sample& a, const Sample& b) {
    const auto key = [](const Sample& s) { return std::tie(s.seen->latency, s.seen->why, s.seen->value); };
    if (a.t != b.t) return a.t < b.t;
    if (a.seen->ok != b.seen->ok) return a.seen->ok;
    return key(a) < key(b);
}

std::vector<Span> joined(std::vector<Span> spans) {
    std::sort(spans.begin(), spans.end(), [](const Span& a, const Span& b) { return a.from < b.from; });
    std::vector<Span> result;
    for (const Span& span : spans) {
        if (!result.empty() && span.from <= result.back().to) {
            result.back().to = std::max(result.back().to, span.to);
        } else {
            result.push_back(span);
        }
    }
    return result;
}

std::size_t ticks(const Evidence& evidence) {
    std::size_t sum = 0;
    for (const Span& span : evidence.spans) {
        if (span.to > span.from && evidence.every > Time(0)) sum += static_cast<std::size_t>((span.to - span.from) / evidence.every);
    }
    return sum;
}

}  // namespace

std::size_t Evidence::missing() const {
    const std::size_t there = samples.size() + spans.size();
    const std::size_t due = ticks(*this);
    return due > there ? due - there : 0;
}

bool Evidence::too_few() const { return missing() > 0 && samples.size() * 10 < ticks(*this) * 9; }

std::string Evidence::scarcity() const {
    if (spans.empty()) return "the window never was: its fault's start or end, or t0, is not recorded";
    if (samples.empty()) return "the probe observed nothing then";
    return fmt::format("the probe observed {} times where {} were due", samples.size(), ticks(*this));
}

Timeline::Timeline(const Experiment& experiment, const History& history) {
    for (const Event& event : history.events) {
        if (std::holds_alternative<event::Started>(event.kind)) earliest(started_, event.t);
        if (std::holds_alternative<event::T0>(event.kind)) earliest(t0_, event.t);
        if (const auto* armed = std::get_if<event::Armed>(&event.kind)) earliest(act(armed->fault, armed->target).armed, event.t);
        if (const auto* over = std::get_if<event::Disarmed>(&event.kind)) latest(act(over->fault, over->target).ended, event.t);
        if (const auto* lost = std::get_if<event::Lost>(&event.kind)) latest(act(lost->fault, lost->target).ended, event.t);
        if (const auto* seen = std::get_if<event::Observed>(&event.kind)) samples_[seen->probe].push_back({event.t, seen});
        if (const auto* counted = std::get_if<event::Counted>(&event.kind))
            seconds_[counted->meter].push_back({event.t, counted->length, counted->count});
    }
    for (auto& [meter, seconds] : seconds_)
        std::ranges::sort(seconds, {}, [](const Counts::Second& s) { return std::tuple(s.t, s.length, s.count); });
    for (auto& [probe, samples] : samples_) std::sort(samples.begin(), samples.end(), before);
    if (t0_) end_ = *t0_ + experiment.duration;
}

Timeline::Act& Timeline::act(const std::string& fault, const std::string& target) {
    Act& act = acts_[{fault, target}];
    act.fault = fault;
    return act;
}

std::optional<Time> Timeline::start(const std::string& fault) const {
    std::optional<Time> result;
    for (const auto& [key, act] : acts_) {
        if ((fault.empty() || act.fault == fault) && act.armed) earliest(result, *act.armed);
    }
    return result;
}

std::optional<Time> Timeline::stop(const std::string& fault) const {
    std::optional<Time> result;
    for (const auto& [key, act] : acts_) {
        if ((!fault.empty() && act.fault != fault) || !act.armed) continue;
        if (!act.ended) return std::nullopt;
        latest(result, *act.ended);
    }
    return result;
}

std::vector<Time> Timeline::fault_changes() const {
    std::vector<Time> result;
    for (const auto& [key, act] : acts_) {
        if (act.armed) result.push_back(*act.armed);
        if (act.armed && act.ended) result.push_back(*act.ended);
    }
    std::sort(result.begin(), result.end());
    return result;
}

// The spans in which a fault was in force on any target; "" for any fault.
std::vector<Span> Timeline::acts(const std::string& fault) const {
    std::vector<Span> spans;
    for (const auto& [key, act] : acts_) {
        if (!fault.empty() && act.fault != fault) continue;
        if (act.armed && act.ended.value_or(forever) > *act.armed) spans.push_back({*act.armed, act.ended.value_or(forever)});
    }
    return joined(std::move(spans));
}

std::vector<Span> Timeline::window(const std::string& during) const {
    if (during == "baseline") {
        if (!started_) return {};
        return {{*started_, t0_.value_or(forever)}};
    }
    if (!t0_) return {};
    if (during.empty()) return {{*t0_, forever}};
    if (during == "fault") return acts("");
    if (during != "after") return acts(during);
    const std::vector<Span> all = acts("");
    if (all.empty() || all.back().to == forever) return {};
    return {{all.back().to, forever}};
}

Evidence Timeline::evidence(const Probe& probe, const std::string& during) const {
    Evidence evidence{.samples = {}, .spans = window(during), .every = probe.every, .t0 = t0_.value_or(Time(0))};
    const auto found = samples_.find(probe.name);
    if (found != samples_.end()) {
        for (std::size_t i = 0; i < evidence.spans.size(); i++) {
            const auto at_or_after = [](const Sample& sample, Time t) { return sample.t < t; };
            auto sample = std::lower_bound(found->second.begin(), found->second.end(), evidence.spans[i].from, at_or_after);
            for (; sample != found->second.end() && sample->t < evidence.spans[i].to; ++sample) {
                evidence.samples.push_back({sample->t, sample->seen, i});
            }
        }
    }
    // What started a moment late counts, but none was due after the end.
    evidence.spans = cut_at_end(std::move(evidence.spans), during);
    return evidence;
}

// Before t0 the end is not known yet: nothing is due at all.
std::vector<Span> Timeline::cut_at_end(std::vector<Span> spans, const std::string& during) const {
    for (Span& span : spans) {
        if (during != "baseline" || !t0_) span.to = std::max(span.from, std::min(span.to, end_.value_or(span.from)));
    }
    return spans;
}

Counts Timeline::counts(const std::string& meter, const std::string& during) const {
    Counts counts{.seconds = {}, .spans = cut_at_end(window(during), during), .t0 = t0_.value_or(Time(0))};
    const auto found = seconds_.find(meter);
    if (found == seconds_.end()) return counts;
    std::ranges::copy_if(found->second, std::back_inserter(counts.seconds), [&](const Counts::Second& second) {
        return std::ranges::any_of(counts.spans,
                                   [&](const Span& span) { return second.t < span.to && second.t + second.length > span.from; });
    });
    return counts;
}

}  // namespace blackstart
