#include "injector/packet_injection.h"

#include "injector/kernel/error.h"
#include "injector/kernel/features.h"

namespace blackstart {

::terms kernel_terms(const Terms& terms, const Cgroup& cgroup) {
    if (terms.duration.count() <= 0) throw Misuse("a fault needs an end: `for` must be above 0");
    if (terms.lease.count() <= 0) throw Misuse("the lease must be above 0");
    if (!(terms.probability > 0 && terms.probability <= 1)) throw Misuse("probability must be above 0% and at most 100%");
    ::terms out{};
    out.seed = terms.seed;
    out.probability = static_cast<std::uint64_t>(terms.probability * 4294967296.0);
    out.cgroup_id = cgroup.id;
    out.cgroup_level = cgroup.level;
    if (!terms.cycle) return out;
    out.cycle_fail = terms.cycle->fail;
    out.cycle_pass = terms.cycle->pass;
    out.cycle_on_ns = static_cast<std::uint64_t>(terms.cycle->on.count());
    out.cycle_off_ns = static_cast<std::uint64_t>(terms.cycle->off.count());
    const bool by_count = out.cycle_fail != 0, by_time = terms.cycle->on.count() > 0 && terms.cycle->off.count() >= 0;
    if (by_count == by_time) throw Misuse("a cycle is { fail, pass } or { on, off }, with `fail` or `on` above 0");
    return out;
}

std::optional<Refusal> tcx_refusal() {
    const auto missing = missing_attachment();
    if (!missing) return std::nullopt;
    return Refusal{missing->reason, missing->fix};
}

}  // namespace blackstart
