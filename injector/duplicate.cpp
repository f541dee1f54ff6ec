#include "injector/duplicate.h"

#include "injector/kinds.h"
#include "injector/network_injection.h"
// After the headers of its structs.
#include "duplicate.skel.h"

namespace blackstart {

template <> std::optional<Refusal> unsupported_kind(const DuplicateFault&) { return tcx_refusal(); }

template <> std::unique_ptr<Injection> prepare_kind(const DuplicateFault& fault, const Target& target, const Terms& asked) {
    Terms terms = asked;
    const auto choice = kernel_choice(fault.choice, terms);
    auto injection = std::make_unique<NetworkInjection<duplicate_bpf>>("duplicate", fault.match, target, terms);
    (*injection)->rodata->loss = choice;
    injection->load(fault.match, target);
    return injection;
}

}  // namespace blackstart
