// Delay of packets that match, and of no others.
#pragma once

#include <chrono>

#include "injector/match.h"

namespace blackstart {

struct LatencyFault {
    static constexpr const char* kind = "latency";
    static constexpr bool may_use_netem = true;
    Match match;
    std::chrono::nanoseconds delay{0};
    std::chrono::nanoseconds jitter{0};  // uniform in delay ± jitter, never below 0
    bool delay_line = false;             // force the user-space line where netem could serve
};

}  // namespace blackstart
