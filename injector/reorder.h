// A share of the packets that match is overtaken by those behind it.
#pragma once

#include <chrono>

#include "injector/choice.h"
#include "injector/match.h"

namespace blackstart {

// The packets that are hit are held back for `delay`, all others go on at once: whatever is sent meanwhile arrives before them.
// What is sent slower than that keeps its order.
struct ReorderFault {
    static constexpr const char* kind = "reorder";
    static constexpr bool may_use_netem = true;
    Match match;
    Choice choice;
    std::chrono::nanoseconds delay = std::chrono::milliseconds(10);
};

}  // namespace blackstart
