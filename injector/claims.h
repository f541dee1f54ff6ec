// What a fault takes for itself: two processes must not tell one question, or one check, different things.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "injector/fault.h"

namespace blackstart {

// In its target's namespace: "dns:db.test:53", "health:8080", and behind a blank each what narrows it, as in
// "dns:db.test:53 types=1,28 servers=10.0.0.1" or "health:8080 path=/healthz". Names are in lower case without the last dot.
// Network kinds stack, and claim nothing.
std::vector<std::string> claims(const Fault& fault);

// The first of `ours` that is for something that one of `theirs` is for as well, and that one; nothing if none is:
// "dns:*.svc.test:53" meets "dns:a.svc.test:53", not "dns:svc.test:53"; types that have none in common do not meet.
std::optional<std::pair<std::string, std::string>> first_collision(const std::vector<std::string>& ours,
                                                                   const std::vector<std::string>& theirs);

// Whether some text is matched by both: each the whole text or, with a last '*', its beginning; "" is any text.
bool patterns_meet(const std::string& one, const std::string& other);

}  // namespace blackstart
