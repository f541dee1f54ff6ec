#include "injector/injection.h"

#include "injector/kinds.h"

namespace blackstart {

std::unique_ptr<Injection> inject(const Fault& fault, const Target& target, const Terms& terms) {
    return std::visit([&](const auto& kind) { return inject_kind(kind, target, terms); }, fault);
}

std::optional<Refusal> unsupported(const Fault& fault) {
    return std::visit([](const auto& kind) { return unsupported_kind(kind); }, fault);
}

}  // namespace blackstart
