#include "experiments/expectations/amplification.h"

namespace blackstart {

Finding judge(const Amplification& condition, const Counts& counts, const Counts& baseline) {
    std::chrono::nanoseconds expected{0};
    for (const Span& span : counts.spans) expected += span.to - span.from;
    return judge_arrivals(condition.limit, counts, expected, baseline);
}

}  // namespace blackstart
