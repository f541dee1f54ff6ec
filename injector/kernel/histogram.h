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

class Histogram {
public:
    void add(std::uint64_t ns) {
        auto& count = counts_[index(ns)];
        count.store(count.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
        if (ns > max_.load(std::memory_order_relaxed)) max_.store(ns, std::memory_order_relaxed);
    }
    [[nodiscard]] AppliedDelay sum_up() const {
        AppliedDelay out;
        for (const auto& count : counts_) out.packets += count.load(std::memory_order_relaxed);
        out.max_ns = max_.load(std::memory_order_relaxed);
        out.p50_ns = std::min(out.max_ns, quantile((out.packets + 1) / 2));
        out.p99_ns = std::min(out.max_ns, quantile(out.packets - out.packets / 100));
        return out;
    }

private:
    static constexpr std::size_t kSteps = 32;  // of each power of two
    static std::size_t index(std::uint64_t ns) {
        if (ns < kSteps) return ns;
        const auto shift = static_cast<std::size_t>(std::bit_width(ns)) - 6;
        return (shift + 1) * kSteps + (ns >> shift) % kSteps;
    }
    static std::uint64_t highest_of(std::size_t index) {
        if (index < kSteps) return index;
        const auto shift = index / kSteps - 1;
        return ((kSteps + index % kSteps + 1) << shift) - 1;
    }
    [[nodiscard]] std::uint64_t quantile(std::uint64_t rank) const {
        std::uint64_t seen = 0;
        for (std::size_t i = 0; i < counts_.size(); i++) {
            seen += counts_[i].load(std::memory_order_relaxed);
            if (seen >= rank && seen > 0) return highest_of(i);
        }
        return 0;
    }

    std::array<std::atomic<std::uint64_t>, kSteps * 60> counts_{};
    std::atomic<std::uint64_t> max_ = 0;
};

}  // namespace blackstart
