// Law 2: a fault acts only while the working loop renews its lease, and never past its end.
#pragma once

#include <chrono>
#include <cstdint>

#include "injector/bpf/terms.h"

namespace blackstart {

// CLOCK_MONOTONIC, the clock of bpf_ktime_get_ns, in nanoseconds.
std::uint64_t monotonic_ns();

// The lease of one control block, renewed by plain stores into the mapped .bss. The block must outlive it.
class Lease {
public:
    // From now on the program acts, until `duration` is over or `lease` has passed without a renewal.
    void arm(control& block, std::chrono::nanoseconds duration, std::chrono::nanoseconds lease);
    // From now on it does not, as if the fault were over.
    void end();
    // False, now and for ever, once the lease had run out before it was renewed (and before the fault's end).
    bool renew();
    [[nodiscard]] bool lapsed() const { return lapsed_; }
    // Whether it has run out before the fault's end, renewed or not.
    [[nodiscard]] bool expired() const;

private:
    control* block_ = nullptr;
    std::uint64_t lease_ns_ = 0;
    bool lapsed_ = false;
};

}  // namespace blackstart
