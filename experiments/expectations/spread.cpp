#include "experiments/expectations/spread.h"

#include <fmt/format.h>

#include <algorithm>

namespace blackstart {

Finding judge(const Spread& condition, const Counts& counts, const Counts& baseline, std::optional<Time> trigger) {
    if (!trigger) {
        Finding finding;
        finding.limit = condition.limit.text;
        finding.why = condition.fault.empty() ? "the end of the last fault is not recorded"
                                              : fmt::format("no {} of {} is recorded", condition.stop ? "stop" : "start", condition.fault);
        return finding;
    }
    Counts after = counts;
    std::erase_if(after.seconds, [&](const Counts::Second& second) { return second.t + second.length <= *trigger; });
    std::chrono::nanoseconds expected{0};
    for (const Span& span : counts.spans) expected += std::max(Time(0), span.to - std::max(span.from, *trigger));
    return judge_arrivals(condition.limit, after, expected, baseline);
}

}  // namespace blackstart
