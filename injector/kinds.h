// What each fault kind defines for its own struct, in <kind>.cpp, as a specialisation; a kind without them does not link.
#pragma once

#include <memory>
#include <optional>

#include "injector/injection.h"

namespace blackstart {

// Not armed yet (injection.h).
template <class Kind> std::unique_ptr<Injection> prepare_kind(const Kind&, const Target&, const Terms&);
template <class Kind> std::optional<Refusal> unsupported_kind(const Kind&);

}  // namespace blackstart
