#include "injector/injection.h"

#include "injector/kernel/attachment.h"
#include "injector/kernel/helper.h"
#include "injector/kinds.h"

namespace blackstart {

std::unique_ptr<Injection> inject(const Fault& fault, const Target& target, const Terms& terms) {
    return std::visit([&](const auto& kind) { return inject_kind(kind, target, terms); }, fault);
}

std::unique_ptr<Injection> prepare(const Fault& fault, const Target& target, const Terms& terms) {
    const auto* dns = std::get_if<DnsFault>(&fault);
    return dns != nullptr && learns(*dns) ? prepare_kind(*dns, target, terms) : nullptr;
}

std::optional<Refusal> unsupported(const Fault& fault) {
    return std::visit([](const auto& kind) { return unsupported_kind(kind); }, fault);
}

std::string way(const Fault& fault) {
    return std::visit(
        [](const auto& kind) {
            if constexpr (requires { kind.way; }) return std::string(kind.way);
            std::string text = attached_through();
            if constexpr (requires { kind.may_use_netem; }) text += netem_available() ? ", netem" : ", delay line";
            if constexpr (requires { kind.on_the_delay_line; }) text += ", delay line";
            return text;
        },
        fault);
}

}  // namespace blackstart
