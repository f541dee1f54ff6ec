#include "injector/reset.h"

#include "injector/kernel/error.h"
#include "injector/kinds.h"
#include "injector/network_injection.h"
// After the headers of its structs.
#include "reset.skel.h"

namespace blackstart {

template <> std::optional<Refusal> unsupported_kind(const ResetFault&) { return tcx_refusal(); }

template <> std::unique_ptr<Injection> prepare_kind(const ResetFault& fault, const Target& target, const Terms& terms) {
    if (fault.match.protocol != "any" && fault.match.protocol != "tcp")
        throw Misuse("reset: only TCP has connections, not " + fault.match.protocol);
    auto injection = std::make_unique<NetworkInjection<reset_bpf>>("reset", fault.match, target, terms);
    injection->load(fault.match, target);
    if (all_at_once(target, terms)) injection->destroy_established();
    return injection;
}

}  // namespace blackstart
