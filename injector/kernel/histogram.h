// How long packets were really held: counted in steps of 3%, by one thread, read by another.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace blackstart {

struct AppliedDelay {
    std::uint64_t packets = 0;
    std::uint64_t p50_ns = 0, p99_ns = 0;  // nearest rank, at most 3% too high
    std::uint64_t max_ns = 0;

    bool operator==(const AppliedDelay&) const = default;
};

// The steps: 32 of each power of two.
inline constexpr std::size_t kHistogramSteps = 32;
constexpr std::size_t step_of(std::uint64_t value) {
    if (value < kHistogramSteps) return value;
    const auto shift = static_cast<std::size_t>(std::bit_width(value)) - 6;
    return (shift + 1) * kHistogramSteps + (value >> shift) % kHistogramSteps;
}
constexpr std::uint64_t highest_of(std::size_t step) {
    if (step < kHistogramSteps) return step;
    const auto shift = step / kHistogramSteps - 1;
    return ((kHistogramSteps + step % kHistogramSteps + 1) << shift) - 1;
}

// `count(step)` for each step below `steps`; values in units of 2^shift ns. Where the longest is not known it is the end of its step.
template <class Count> AppliedDelay sum_up(std::size_t steps, Count count, unsigned shift = 0, std::uint64_t longest = ~0ULL) {
    AppliedDelay out;
    std::uint64_t last = 0;
    for (std::size_t i = 0; i < steps; i++) {
        out.packets += count(i);
        if (count(i) > 0) last = highest_of(i) << shift;
    }
    const auto quantile = [&](std::uint64_t rank) {
        std::uint64_t seen = 0;
        for (std::size_t i = 0; i < steps; i++) {
            seen += count(i);
            if (seen >= rank && seen > 0) return highest_of(i) << shift;
        }
        return std::uint64_t{0};
    };
    out.max_ns = std::min(longest, last);
    out.p50_ns = std::min(out.max_ns, quantile((out.packets + 1) / 2));
    out.p99_ns = std::min(out.max_ns, quantile(out.packets - out.packets / 100));
    return out;
}

class Histogram {
public:
    void add(std::uint64_t ns) {
        auto& count = counts_[step_of(ns)];
        count.store(count.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
        if (ns > max_.load(std::memory_order_relaxed)) max_.store(ns, std::memory_order_relaxed);
    }
    [[nodiscard]] AppliedDelay sum_up() const {
        const auto longest = max_.load(std::memory_order_relaxed);
        return blackstart::sum_up(
            counts_.size(), [&](std::size_t i) { return counts_[i].load(std::memory_order_relaxed); }, 0, longest);
    }

private:
    std::array<std::atomic<std::uint64_t>, kHistogramSteps * 60> counts_{};
    std::atomic<std::uint64_t> max_ = 0;
};

}  // namespace blackstart
