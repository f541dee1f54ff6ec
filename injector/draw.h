// The draw of a fault's share and the turn of its cycle in user space, as the programs in the kernel have them (injector/bpf/terms.bpf.h):
// splitmix64.
#pragma once

#include <cstdint>
#include <optional>

#include "injector/injection.h"

namespace blackstart {

// Whether the n-th unit, from 0 on, is hit.
inline bool drawn(const Terms& terms, std::uint64_t n) {
    std::uint64_t z = terms.seed + (n + 1) * 0x9e3779b97f4a7c15ULL;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return static_cast<double>((z ^ (z >> 31)) >> 32) < terms.probability * 4294967296.0;
}

// Whether a cycle by count lets the n-th unit, from 0 on, be hit; without one, true.
inline bool in_turn(const Terms& terms, std::uint64_t n) {
    return !terms.cycle || terms.cycle->fail == 0 || n % (std::uint64_t{terms.cycle->fail} + terms.cycle->pass) < terms.cycle->fail;
}

// Which round of a cycle by time an age falls in; nullopt in the pause of one. Without such a cycle there is one round, 0.
inline std::optional<std::uint64_t> round_of(const Terms& terms, std::uint64_t age_ns) {
    if (!terms.cycle || terms.cycle->on.count() == 0) return 0;
    const auto on = static_cast<std::uint64_t>(terms.cycle->on.count()), period = on + static_cast<std::uint64_t>(terms.cycle->off.count());
    return age_ns % period < on ? std::optional(age_ns / period) : std::nullopt;
}

}  // namespace blackstart
