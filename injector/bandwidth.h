// What matches gets through no faster than at a rate.
#pragma once

#include <chrono>
#include <cstdint>

#include "injector/match.h"

namespace blackstart {

// Packets leave one after the other, each taking its length in bits (Ethernet header and all) over the rate, in each direction
// apart, whatever the interface. Those that would have to wait longer than `queue` are dropped, and counted as dropped. Always by
// the delay line; below 1 Gbit/s its device takes no offload, so that packets are of the size that they have on a wire.
struct BandwidthFault {
    static constexpr const char* kind = "bandwidth";
    static constexpr bool on_the_delay_line = true;  // always
    static constexpr std::uint64_t kLeast = 8'000, kMost = 100'000'000'000;
    Match match;
    std::uint64_t rate = 0;  // bits a second, kLeast..kMost
    std::chrono::nanoseconds queue = std::chrono::milliseconds(200);
};

}  // namespace blackstart
