// The injection of every fault that leads packets through a helper device (kernel/helper.h) and back.
#pragma once

#include "injector/bpf/loss.h"
#include "injector/injection.h"
#include "injector/kernel/helper.h"
#include "injector/match.h"

namespace blackstart {

struct Detour {
    const char* what = "";  // names the fault in errors; a literal
    HelperPlan plan;        // its lease and seed are filled in from the terms
    ::loss choice{};        // which of the packets that match go through the helper
    bool skip_handshake = false;
};

// Throws Misuse, Unfit.
std::unique_ptr<Injection> prepare_detour(const Match& match, const Detour& detour, const Target& target, const Terms& terms);

// The answer of unsupported_kind: for kinds that can do with netem, and for those that need the delay line.
std::optional<Refusal> helper_refusal();
std::optional<Refusal> delay_line_refusal();

}  // namespace blackstart
