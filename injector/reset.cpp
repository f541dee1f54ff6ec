#include "injector/reset.h"

#include "injector/kernel/error.h"
#include "injector/kinds.h"
#include "injector/network_injection.h"
// After the headers of its structs.
#include "reset.skel.h"

namespace blackstart {

template <> std::optional<Refusal> unsupported_kind(const ResetFault&) { return tcx_refusal(); }

template <> std::unique_ptr<Injection> inject_kind(const ResetFault& fault, const Target& target, const Terms& terms) {
    if (fault.match.protocol != "any" && fault.match.protocol != "tcp")
        throw Misuse("reset: only TCP has connections, not " + fault.match.protocol);
    auto injection = std::make_unique<NetworkInjection<reset_bpf>>("reset", fault.match, target, terms);
    injection->put_in_force(fault.match, target);
    if (all_at_once(target, terms))
        injection->add_hits(
            destroy_connections(target.netns.get(), [&](const TcpFlow& flow) { return concerns(injection->rules(), flow); }));
    return injection;
}

}  // namespace blackstart
