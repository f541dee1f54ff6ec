#include "experiments/expectations/explanation.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <tuple>

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

using Seen = std::pair<Time, const event::Observed*>;

std::map<std::string, std::vector<Seen>> by_probe(const History& history) {
    std::map<std::string, std::vector<Seen>> result;
    for (const Event& event : history.events)
        if (const auto* seen = std::get_if<event::Observed>(&event.kind)) result[seen->probe].push_back({event.t, seen});
    for (auto& [probe, seen] : result) {
        std::ranges::sort(
            seen, {}, [](const Seen& s) { return std::tuple(s.first, !s.second->ok, s.second->latency, s.second->why, s.second->value); });
    }
    return result;
}

// All that happened but this probe's own observations.
std::vector<Line> timeline(const History& history, const std::string& probe) {
    std::vector<Line> lines;
    for (const Event& event : history.events) {
        auto text = std::visit([](const auto& kind) { return happened(kind); }, event.kind);
        if (!text.empty()) lines.push_back({event.t, std::move(text)});
    }
    for (const auto& [other, seen] : by_probe(history)) {
        for (std::size_t i = 1; other != probe && i < seen.size(); i++) {
            auto text = change(*seen[i - 1].second, *seen[i].second);
            if (!text.empty()) lines.push_back({seen[i].first, std::move(text)});
        }
    }
    std::ranges::sort(lines);
    return lines;
}

std::vector<Line> of_the_probe(const History& history, const std::string& probe, bool by_value) {
    std::vector<Line> lines;
    const auto all = by_probe(history);
    const auto found = all.find(probe);
    if (found == all.end()) return lines;
    for (const auto& [t, seen] : found->second) lines.push_back({t, shown(*seen, by_value)});
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
Time end_of(const History& history, const std::string& probe, Time at) {
    Time end = at;
    for (const Event& event : history.events) {
        const auto* seen = std::get_if<event::Observed>(&event.kind);
        if (seen != nullptr && seen->probe == probe && event.t == at) end = std::max(end, at + seen->latency);
    }
    return end;
}

std::string when(Time t, Time at, Time t0) {
    if (t > at) return fmt::format("{} after, at {}", duration(t - at), moment(t - t0));
    return fmt::format("{} before, at {}", duration(at - t), moment(t - t0));
}

std::string values_line(const std::vector<Line>& lines, const std::string& who, Time at) {
    const auto after = std::ranges::lower_bound(lines, at, {}, &Line::t);
    const auto before = after - std::min<std::ptrdiff_t>(around, after - lines.begin());
    const auto end = after + std::min<std::ptrdiff_t>(around + 1, lines.end() - after);
    std::vector<std::string> texts;
    for (auto line = before; line != end; ++line) texts.push_back(line->t == at ? "[" + line->text + "]" : line->text);
    return fmt::format("{} around then: {}", who, fmt::join(texts, ", "));
}

}  // namespace

std::vector<std::string> explain(const Expectation& expectation, const Finding& finding, const History& history, Time t0) {
    if (!finding.at || finding.outcome == Outcome::held) return {};
    const Time at = *finding.at + t0;
    const std::string metered = meter(expectation);
    std::vector<std::string> text;
    if (metered.empty()) {
        const auto lines = of_the_probe(history, expectation.probe, is_of_values(expectation));
        text.push_back(values_line(lines, expectation.probe, at));
    } else {
        text.push_back(values_line(of_the_meter(history, metered), metered, at));
    }
    const std::vector<Line> lines = timeline(history, expectation.probe);
    const auto next = std::ranges::upper_bound(lines, end_of(history, expectation.probe, at), {}, &Line::t);
    for (auto line = next - std::min<std::ptrdiff_t>(neighbours, next - lines.begin()); line != next; ++line)
        text.push_back((line->t > at ? "meanwhile, at " + moment(line->t - t0) : when(line->t, at, t0)) + ": " + line->text);
    for (auto line = next; line != lines.end() && line - next < static_cast<std::ptrdiff_t>(neighbours); ++line)
        text.push_back(when(line->t, at, t0) + ": " + line->text);
    return text;
}

}  // namespace blackstart
