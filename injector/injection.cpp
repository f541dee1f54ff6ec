#include "injector/injection.h"

#include "injector/kernel/attachment.h"
#include "injector/kernel/helper.h"
#include "injector/kinds.h"

namespace blackstart {
namespace {

template <class Kind> bool may_use_netem(const Kind&) {
    return requires { Kind::may_use_netem; };
}
bool may_use_netem(const DnsFault& fault) { return fault.delay.count() > 0; }

}  // namespace

std::unique_ptr<Injection> prepare(const Fault& fault, const Target& target, const Terms& terms) {
    return std::visit([&](const auto& kind) { return prepare_kind(kind, target, terms); }, fault);
}

std::unique_ptr<Injection> inject(const Fault& fault, const Target& target, const Terms& terms) {
    auto injection = prepare(fault, target, terms);
    injection->attach(target);
    injection->arm(target);
    return injection;
}

std::optional<Refusal> unsupported(const Fault& fault) {
    return std::visit([](const auto& kind) { return unsupported_kind(kind); }, fault);
}

std::string way(const Fault& fault) {
    return std::visit(
        [](const auto& kind) {
            if constexpr (requires { kind.way; }) return std::string(kind.way);
            std::string text = attached_through();
            if (may_use_netem(kind)) text += netem_available() ? ", netem" : ", delay line";
            if constexpr (requires { kind.on_the_delay_line; }) text += ", delay line";
            return text;
        },
        fault);
}

}  // namespace blackstart
