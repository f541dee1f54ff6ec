// What each fault kind defines for its own struct, in <kind>.cpp, as a specialisation; a kind without them does not link.
#pragma once

#include <memory>
#include <optional>

#include "injector/injection.h"

namespace blackstart {

template <class Kind> std::unique_ptr<Injection> inject_kind(const Kind&, const Target&, const Terms&);
// Only for kinds that prepare (injection.h): all of inject_kind but the arming.
template <class Kind> std::unique_ptr<Injection> prepare_kind(const Kind&, const Target&, const Terms&);
template <class Kind> std::optional<Refusal> unsupported_kind(const Kind&);

}  // namespace blackstart
