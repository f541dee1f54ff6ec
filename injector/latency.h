// Delay of packets that match, and of no others.
#pragma once

#include <chrono>
#include <vector>

#include "injector/kernel/spread.h"
#include "injector/match.h"

namespace blackstart {

// Each packet is held for `delay` and what is drawn from the spread, never less than 0. Several latency faults on one packet add up.
// With GSO it is the packet as the kernel hands it to the interface, up to 64 KiB: all of it takes the delay once.
// A distribution other than uniform, and correlation, are made by the delay line only, whatever else the kernel has.
struct LatencyFault {
    static constexpr const char* kind = "latency";
    static constexpr bool may_use_netem = true;
    Match match;
    std::chrono::nanoseconds delay{0};
    std::chrono::nanoseconds jitter{0};
    Distribution distribution = Distribution::uniform;
    std::vector<std::chrono::nanoseconds> table;  // for Distribution::table
    double correlation = 0;                       // of each draw with the one before it, [0, 1)
    bool skip_handshake = false;                  // TCP packets with SYN are not delayed: a connection opens at once
    bool delay_line = false;                      // force the user-space line where netem could serve
};

// Throws Misuse: no delay, a negative one, one beyond ten minutes, a spread that has no jitter or table.
void check(const LatencyFault& fault);

}  // namespace blackstart
