#include "injector/latency.h"

#include <algorithm>

#include "injector/helper_injection.h"
#include "injector/kernel/error.h"
#include "injector/kinds.h"

namespace blackstart {
namespace {

std::chrono::nanoseconds longest(const LatencyFault& fault) {
    if (fault.distribution == Distribution::table && !fault.table.empty()) return fault.delay + *std::ranges::max_element(fault.table);
    return fault.delay + fault.jitter;
}

}  // namespace

void check(const LatencyFault& fault) {
    const bool by_table = fault.distribution == Distribution::table;
    if (fault.delay.count() < 0 || fault.jitter.count() < 0) throw Misuse("a delay cannot be negative");
    if (fault.delay.count() == 0 && fault.jitter.count() == 0 && fault.table.empty()) throw Misuse("latency without a delay does nothing");
    if (longest(fault) > HelperPlan::kLongest) throw Misuse("delay and jitter together can be at most 10 minutes");
    if (by_table && fault.jitter.count() != 0) throw Misuse("jitter: a table of delays has its own spread");
    if (by_table && fault.table.empty()) throw Misuse("distribution: a table holds one delay at least");
    if (!by_table && fault.distribution != Distribution::uniform && fault.jitter.count() == 0)
        throw Misuse("distribution: without 'jitter' there is nothing to spread");
    if (!(fault.correlation >= 0 && fault.correlation < 1)) throw Misuse("correlation: at least 0% and below 100%");
    if (fault.correlation > 0 && fault.jitter.count() == 0 && !by_table)
        throw Misuse("correlation: without 'jitter' there is nothing that could be alike");
}

template <> std::optional<Refusal> unsupported_kind(const LatencyFault&) { return helper_refusal(); }

template <> std::unique_ptr<Injection> prepare_kind(const LatencyFault& fault, const Target& target, const Terms& terms) {
    check(fault);
    Detour detour;
    detour.what = "latency";
    detour.plan.delay = fault.delay;
    detour.plan.jitter = fault.jitter;
    detour.plan.spread = {fault.distribution, fault.table, fault.correlation};
    detour.plan.delay_line = fault.delay_line || fault.distribution != Distribution::uniform || fault.correlation > 0;
    detour.skip_handshake = fault.skip_handshake;
    return prepare_detour(fault.match, detour, target, terms);
}

}  // namespace blackstart
