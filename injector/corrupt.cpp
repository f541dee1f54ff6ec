#include "injector/corrupt.h"

#include "injector/helper_injection.h"
#include "injector/kinds.h"

namespace blackstart {

template <> std::optional<Refusal> unsupported_kind(const CorruptFault&) { return delay_line_refusal(); }

template <> std::unique_ptr<Injection> prepare_kind(const CorruptFault& fault, const Target& target, const Terms& asked) {
    Terms terms = asked;
    Detour detour;
    detour.what = "corrupt";
    detour.choice = kernel_choice(fault.choice, terms);
    detour.plan.delay_line = true;
    detour.plan.as_on_a_wire = true;
    detour.plan.corrupt = true;
    return prepare_detour(fault.match, detour, target, terms);
}

}  // namespace blackstart
