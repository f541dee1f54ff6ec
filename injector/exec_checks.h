// Health checks that are programs: the start of one fails, for the checker in the target only.
#pragma once

#include <memory>
#include <optional>

#include "injector/health.h"
#include "injector/injection.h"

namespace blackstart {

std::optional<Refusal> exec_refusal();
// Throws Misuse, Unfit.
std::unique_ptr<Injection> fail_exec(const HealthFault& fault, const Target& target, const Terms& terms);

}  // namespace blackstart
