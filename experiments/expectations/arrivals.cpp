#include "experiments/expectations/arrivals.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "experiments/expectations/figures.h"
#include "experiments/expectations/values.h"

namespace blackstart {
namespace {

using Second = Counts::Second;
constexpr std::uint64_t fewest_events = 30;
constexpr std::chrono::milliseconds half_a_second{500};

double seconds(std::chrono::nanoseconds time) { return std::chrono::duration<double>(time).count(); }
double rate(const Second& second) {
    return second.length >= half_a_second ? static_cast<double>(second.count) / seconds(second.length) : 0;
}

std::uint64_t events(const Counts& counts) {
    return std::accumulate(counts.seconds.begin(), counts.seconds.end(), std::uint64_t{0},
                           [](std::uint64_t sum, const Second& second) { return sum + second.count; });
}

std::chrono::nanoseconds counted_for(const Counts& counts) {
    std::chrono::nanoseconds sum{0};
    for (const Second& second : counts.seconds) sum += second.length;
    return sum;
}

// Rounded up, so that no figure reads as its limit when it is past it.
std::string times(double factor) { return fmt::format("{:.2f}x", std::ceil(factor * 100 - 1e-9) / 100); }

std::string doubt(const Limit& limit, const Counts& baseline, double mean) {
    if (events(baseline) < fewest_events) {
        return fmt::format("the meter counted {} in the baseline, and {} are needed", events(baseline), fewest_events);
    }
    const auto highest = std::ranges::max_element(baseline.seconds, {}, rate);
    if (wants_more(limit) || meets(rate(*highest) / mean, limit)) return "";
    return fmt::format("the baseline's own highest second is {} of its mean", times(rate(*highest) / mean));
}

}  // namespace

Finding judge_arrivals(const Limit& limit, const Counts& counts, std::chrono::nanoseconds expected, const Counts& baseline) {
    Finding finding;
    finding.limit = limit.text;
    finding.samples = counts.seconds.size();
    const auto before = counted_for(baseline);
    const double mean = before.count() > 0 ? static_cast<double>(events(baseline)) / seconds(before) : 0;
    if (counts.seconds.empty()) {
        finding.why = counts.spans.empty() ? "the window never was: its fault's start or end, or t0, is not recorded"
                                           : "the meter counted nothing then: it was not there";
        return finding;
    }
    finding.why = doubt(limit, baseline, mean);
    if (!finding.why.empty()) return finding;
    const auto highest = std::ranges::max_element(counts.seconds, {}, rate);
    finding.observed = fmt::format("{}: {} a second at the most, {} in the baseline", times(rate(*highest) / mean),
                                   number_text(std::ceil(rate(*highest) - 1e-9)), fmt::format("{:.1f}", mean));
    const bool met = meets(rate(*highest) / mean, limit);
    if (!met) finding.at = highest->t - counts.t0;
    if (!met && !wants_more(limit)) {
        finding.outcome = Outcome::deviated;
        finding.why = fmt::format("{} within {}", counted(highest->count, "event"), duration(highest->length));
    } else if (counted_for(counts) * 10 < expected * 9) {
        finding.why = fmt::format("the meter counted for {} of {}", duration(counted_for(counts)), duration(expected));
    } else {
        finding.outcome = met ? Outcome::held : Outcome::deviated;
        if (!met) finding.why = "it never was higher";
    }
    return finding;
}

}  // namespace blackstart
