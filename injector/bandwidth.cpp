#include "injector/bandwidth.h"

#include "injector/helper_injection.h"
#include "injector/kernel/error.h"
#include "injector/kinds.h"

namespace blackstart {

template <> std::optional<Refusal> unsupported_kind(const BandwidthFault&) { return delay_line_refusal(); }

template <> std::unique_ptr<Injection> prepare_kind(const BandwidthFault& fault, const Target& target, const Terms& terms) {
    if (fault.rate < BandwidthFault::kLeast || fault.rate > BandwidthFault::kMost) throw Misuse("rate: from 8kbit to 100gbit a second");
    if (fault.queue.count() <= 0 || fault.queue > HelperPlan::kLongest) throw Misuse("queue: above 0 and at most 10 minutes");
    Detour detour;
    detour.what = "bandwidth";
    detour.plan.delay_line = true;
    detour.plan.as_on_a_wire = fault.rate < 1'000'000'000;
    detour.plan.rate = fault.rate;
    detour.plan.queue = fault.queue;
    return prepare_detour(fault.match, detour, target, terms);
}

}  // namespace blackstart
