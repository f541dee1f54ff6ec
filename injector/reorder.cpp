#include "injector/reorder.h"

#include "injector/helper_injection.h"
#include "injector/kernel/error.h"
#include "injector/kinds.h"

namespace blackstart {

template <> std::optional<Refusal> unsupported_kind(const ReorderFault&) { return helper_refusal(); }

template <> std::unique_ptr<Injection> prepare_kind(const ReorderFault& fault, const Target& target, const Terms& asked) {
    if (fault.delay.count() <= 0 || fault.delay > HelperPlan::kLongest) throw Misuse("delay: above 0 and at most 10 minutes");
    Terms terms = asked;
    Detour detour;
    detour.what = "reorder";
    detour.choice = kernel_choice(fault.choice, terms);
    detour.plan.delay = fault.delay;
    return prepare_detour(fault.match, detour, target, terms);
}

}  // namespace blackstart
