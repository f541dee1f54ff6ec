#include "experiments/expectations/explanation.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <span>

#include "experiments/expectations/figures.h"
#include "experiments/expectations/values.h"

namespace blackstart {
namespace {

constexpr std::size_t around = 2;      // observations shown on each side of the moment
constexpr std::size_t neighbours = 2;  // events of the timeline shown on each side

struct Line {
    Time t{0};
    std::string text;
    auto operator<=>(const Line&) const = default;
};

// What a probe said: its value, where values are judged.
std::string shown(const event::Observed& seen, bool by_value) {
    if (by_value && seen.value) return value_text(*seen.value);
    return seen.ok ? "ok in " + duration(seen.latency) : value_text(said(seen));
}

// What changed from one observation of a probe to the next; "" if nothing that counts did.
std::string change(const event::Observed& last, const event::Observed& now) {
    if (last.ok != now.ok) return fmt::format("{} was {}", now.probe, now.ok ? "ok again" : "no longer ok: " + value_text(said(now)));
    if (!last.value || !now.value || last.value == now.value) return "";
    return fmt::format("{} went from {} to {}", now.probe, value_text(*last.value), value_text(*now.value));
}

std::string happened(const event::Armed& e) { return fmt::format("{} was armed on {}", e.fault, e.target); }
std::string happened(const event::Disarmed& e) { return fmt::format("{} ended on {}", e.fault, e.target); }
std::string happened(const event::Lost& e) { return fmt::format("{} was lost on {}: {}", e.fault, e.target, e.why); }
std::string happened(const event::Service& e) { return fmt::format("service {} {}", e.name, e.what); }
template <class Other> std::string happened(const Other&) { return ""; }

// All that happened but this probe's own observations.
std::vector<Line> happenings(const History& history, const Timeline& timeline, const std::string& probe) {
    std::vector<Line> lines;
    for (const Event& event : history.events) {
        auto text = std::visit([](const auto& kind) { return happened(kind); }, event.kind);
        if (!text.empty()) lines.push_back({event.t, std::move(text)});
    }
    for (const auto& [other, samples] : timeline.observations()) {
        for (std::size_t i = 1; other != probe && i < samples.size(); i++) {
            auto text = change(*samples[i - 1].seen, *samples[i].seen);
            if (!text.empty()) lines.push_back({samples[i].t, std::move(text)});
        }
    }
    std::ranges::sort(lines);
    return lines;
}

// Those of a moment and a few on each side of it, of observations or lines by time.
template <class Item> std::span<const Item> nearest(const std::vector<Item>& all, Time at) {
    const auto after = std::ranges::lower_bound(all, at, {}, &Item::t);
    const auto before = after - std::min<std::ptrdiff_t>(around, after - all.begin());
    return {before, after + std::min<std::ptrdiff_t>(around + 1, all.end() - after)};
}

std::vector<Line> of_the_probe(std::span<const Sample> samples, bool by_value) {
    std::vector<Line> lines;
    for (const Sample& sample : samples) lines.push_back({sample.t, shown(*sample.seen, by_value)});
    return lines;
}

std::vector<Line> of_the_meter(const History& history, const std::string& meter) {
    std::vector<Line> lines;
    for (const Event& event : history.events) {
        const auto* counted = std::get_if<event::Counted>(&event.kind);
        if (counted != nullptr && counted->meter == meter)
            lines.push_back({event.t, fmt::format("{} in {}", counted->count, duration(counted->length))});
    }
    std::ranges::sort(lines);
    return lines;
}

// When the observation that decided was over: what happened until then may have caused it.
Time end_of(const std::vector<Sample>& samples, Time at) {
    Time end = at;
    for (auto sample = std::ranges::lower_bound(samples, at, {}, &Sample::t); sample != samples.end() && sample->t == at; ++sample)
        end = std::max(end, at + sample->seen->latency);
    return end;
}

std::string when(Time t, Time at, Time t0) {
    if (t > at) return fmt::format("{} after, at {}", duration(t - at), moment(t - t0));
    return fmt::format("{} before, at {}", duration(at - t), moment(t - t0));
}

std::string values_line(std::span<const Line> lines, const std::string& who, Time at) {
    std::vector<std::string> texts;
    for (const Line& line : lines) texts.push_back(line.t == at ? "[" + line.text + "]" : line.text);
    return fmt::format("{} around then: {}", who, fmt::join(texts, ", "));
}

}  // namespace

std::vector<std::string> explain(const Expectation& expectation, const Finding& finding, const History& history, const Timeline& timeline) {
    if (!finding.at || finding.outcome == Outcome::held) return {};
    const Time t0 = timeline.t0().value_or(Time(0)), at = *finding.at + t0;
    const std::string metered = meter(expectation);
    const std::vector<Sample> none;
    const auto found = timeline.observations().find(expectation.probe);
    const auto& samples = found == timeline.observations().end() ? none : found->second;
    std::vector<std::string> text;
    if (metered.empty()) {
        text.push_back(values_line(of_the_probe(nearest(samples, at), is_of_values(expectation)), expectation.probe, at));
    } else {
        text.push_back(values_line(nearest(of_the_meter(history, metered), at), metered, at));
    }
    const std::vector<Line> lines = happenings(history, timeline, expectation.probe);
    const auto next = std::ranges::upper_bound(lines, end_of(samples, at), {}, &Line::t);
    for (auto line = next - std::min<std::ptrdiff_t>(neighbours, next - lines.begin()); line != next; ++line)
        text.push_back((line->t > at ? "meanwhile, at " + moment(line->t - t0) : when(line->t, at, t0)) + ": " + line->text);
    for (auto line = next; line != lines.end() && line - next < static_cast<std::ptrdiff_t>(neighbours); ++line)
        text.push_back(when(line->t, at, t0) + ": " + line->text);
    return text;
}

}  // namespace blackstart
