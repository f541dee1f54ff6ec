// What can be injected. Each kind is a plain struct in a header of its own; adding one here tells the compiler the rest.
#pragma once

#include <variant>

#include "injector/dns.h"
#include "injector/health.h"
#include "injector/http.h"
#include "injector/latency.h"
#include "injector/process.h"

namespace blackstart {

using Fault = std::variant<DnsFault, LatencyFault, HealthFault, HttpFault, ProcessFault>;

inline const char* kind(const Fault& fault) {
    return std::visit([](const auto& f) { return f.kind; }, fault);
}

}  // namespace blackstart
