#include "injector/kernel/lease.h"

#include <time.h>

#include <algorithm>
#include <atomic>

namespace blackstart {
namespace {

void store(__u64& field, std::uint64_t value) { std::atomic_ref(field).store(value, std::memory_order_release); }

}  // namespace

std::uint64_t monotonic_ns() {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000U + static_cast<std::uint64_t>(now.tv_nsec);
}

void Lease::arm(control& block, std::chrono::nanoseconds duration, std::chrono::nanoseconds lease) {
    block_ = &block;
    lease_ns_ = static_cast<std::uint64_t>(lease.count());
    const auto now = monotonic_ns();
    store(block.ends_ns, now + static_cast<std::uint64_t>(duration.count()));
    store(block.lease_ns, now + lease_ns_);
    store(block.armed_ns, now);
}

void Lease::end() {
    if (block_ != nullptr) store(block_->ends_ns, std::min<std::uint64_t>(block_->ends_ns, monotonic_ns()));
}

bool Lease::renew() {
    // The new time is taken before the old one is compared: a process stopped in between writes a time that is past.
    const auto now = monotonic_ns();
    if (now >= block_->ends_ns) return !lapsed_;
    if (now >= block_->lease_ns) lapsed_ = true;
    if (lapsed_) return false;
    store(block_->lease_ns, now + lease_ns_);
    return true;
}

bool Lease::expired() const {
    const auto now = monotonic_ns();
    return lapsed_ || (now >= block_->lease_ns && now < block_->ends_ns);
}

}  // namespace blackstart
