#include "experiments/expectations/success.h"

#include <fmt/format.h>

#include <algorithm>

#include "experiments/expectations/figures.h"
#include "experiments/expectations/wilson.h"

namespace blackstart {
namespace {

bool inside(const Interval& interval, const Limit& limit) { return meets(wants_more(limit) ? interval.low : interval.high, limit); }
bool outside(const Interval& interval, const Limit& limit) { return !meets(wants_more(limit) ? interval.high : interval.low, limit); }

std::string why_unclear(const Limit& limit, const Evidence& evidence, std::size_t ok) {
    const std::size_t n = evidence.samples.size();
    if (evidence.too_few()) return evidence.scarcity();
    const double share = wants_more(limit) ? limit.value : 1 - limit.value;
    if ((wants_more(limit) ? ok : n - ok) == n) {
        const std::size_t needed = clean_samples(share);
        if (needed == 0) return "no number of samples can prove it";
        if (n < needed) return fmt::format("{} where {} without an exception would prove it", counted(n, "sample"), needed);
    }
    if (evidence.missing() > 0) return fmt::format("{} missing: {}", counted(evidence.missing(), "observation"), evidence.scarcity());
    return fmt::format("{} cannot tell: the interval straddles the limit", counted(n, "sample"));
}

}  // namespace

Finding judge(const SuccessLimit& condition, const Evidence& evidence) {
    const Limit& limit = condition.limit;
    Finding finding;
    finding.limit = limit.text;
    finding.samples = evidence.samples.size();
    if (evidence.samples.empty()) {
        finding.why = evidence.scarcity();
        return finding;
    }
    const std::size_t n = evidence.samples.size();
    const std::size_t all = n + evidence.missing();
    const auto ok = static_cast<std::size_t>(std::ranges::count_if(evidence.samples, [](const Sample& s) { return s.seen->ok; }));
    const Interval seen = wilson(ok, n);
    const Interval if_missing_failed = wilson(ok, all), if_missing_were_ok = wilson(ok + evidence.missing(), all);
    const Interval& worst = wants_more(limit) ? if_missing_failed : if_missing_were_ok;
    const Interval& best = wants_more(limit) ? if_missing_were_ok : if_missing_failed;
    finding.observed = fmt::format("{} ({} to {})", percent(ok, n), percent_down(seen.low), percent_up(seen.high));
    if (outside(best, limit)) {
        finding.outcome = Outcome::deviated;
    } else if (inside(worst, limit) && !evidence.too_few()) {
        finding.outcome = Outcome::held;
        return finding;
    }
    const auto against = std::ranges::find_if(evidence.samples, [&](const Sample& s) { return s.seen->ok != wants_more(limit); });
    const bool any = against != evidence.samples.end();  // none: a limit that nothing can meet, as "< 0%"
    if (any) finding.at = against->t - evidence.t0;
    if (finding.outcome == Outcome::inconclusive) {
        finding.why = why_unclear(limit, evidence, ok);
    } else {
        finding.why = any ? said(*against->seen) : "nothing can meet this limit";
    }
    return finding;
}

}  // namespace blackstart
