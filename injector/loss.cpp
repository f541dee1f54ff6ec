#include "injector/loss.h"

#include "injector/kinds.h"
#include "injector/network_injection.h"
// After the headers of its structs.
#include "loss.skel.h"

namespace blackstart {

template <> std::optional<Refusal> unsupported_kind(const LossFault&) { return tcx_refusal(); }

template <> std::unique_ptr<Injection> prepare_kind(const LossFault& fault, const Target& target, const Terms& asked) {
    Terms terms = asked;
    const auto choice = kernel_choice(fault.choice, terms);
    auto injection = std::make_unique<NetworkInjection<loss_bpf>>("loss", fault.match, target, terms);
    (*injection)->rodata->loss = choice;
    injection->load(fault.match, target);
    return injection;
}

}  // namespace blackstart
