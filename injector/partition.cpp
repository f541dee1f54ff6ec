#include "injector/partition.h"

#include "injector/bpf/partition.h"
#include "injector/kinds.h"
#include "injector/network_injection.h"
// After the headers of its structs.
#include "partition.skel.h"

namespace blackstart {
namespace {

std::uint32_t kernel_established(PartitionFault::Established established) {
    switch (established) {
        case PartitionFault::Established::keep:
            return PARTITION_KEEP;
        case PartitionFault::Established::cut:
            return PARTITION_CUT;
        case PartitionFault::Established::stall:
            break;
    }
    return PARTITION_STALL;
}

}  // namespace

template <> std::optional<Refusal> unsupported_kind(const PartitionFault&) { return tcx_refusal(); }

template <> std::unique_ptr<Injection> prepare_kind(const PartitionFault& fault, const Target& target, const Terms& terms) {
    auto injection = std::make_unique<NetworkInjection<partition_bpf>>("partition", fault.match, target, terms);
    (*injection)->rodata->partition = {.reject = fault.reject ? 1U : 0U, .established = kernel_established(fault.established)};
    injection->load(fault.match, target);
    if (fault.established == PartitionFault::Established::cut && all_at_once(target, terms)) injection->destroy_established();
    return injection;
}

}  // namespace blackstart
