// The draw of a fault's share in user space, as the programs in the kernel have it (injector/bpf/terms.bpf.h): splitmix64.
#pragma once

#include <cstdint>

#include "injector/injection.h"

namespace blackstart {

// Whether the n-th unit, from 0 on, is hit.
inline bool drawn(const Terms& terms, std::uint64_t n) {
    std::uint64_t z = terms.seed + (n + 1) * 0x9e3779b97f4a7c15ULL;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return static_cast<double>((z ^ (z >> 31)) >> 32) < terms.probability * 4294967296.0;
}

}  // namespace blackstart
