// Delay in user space, for kernels without netem: a thread reads packets from a TAP device, holds them, and writes them
// back when they are due.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <span>
#include <thread>
#include <vector>

#include "injector/kernel/histogram.h"
#include "injector/kernel/spread.h"
#include "injector/kernel/unique_fd.h"

namespace blackstart {

// Packets in storage, by the time at which they are due; those due at the same time keep their order. Bounded in bytes,
// and resident only as far as it is in use: a process with much memory takes long to die (9 ms at 256 MiB).
class HeldPackets {
public:
    static constexpr std::size_t kCapacity = std::size_t{128} << 20;  // bytes
    static constexpr std::size_t kChunk = std::size_t{512} << 10;     // the unit in which storage is taken and given back
    // A GSO packet of 64 KiB with its Ethernet and VLAN headers and the virtio-net header before it.
    static constexpr std::size_t kLargest = 68 * 1024;

    // Where the next packet may be put: kLargest bytes, or none if the storage is full. Valid until the next call.
    std::span<std::byte> room();
    // Keeps what was put at the beginning of room(), and came in at `came_ns`.
    void keep(std::size_t length, std::uint64_t due_ns, std::uint64_t came_ns = 0);

    [[nodiscard]] bool empty() const { return heap_.empty(); }
    [[nodiscard]] std::size_t size() const { return heap_.size(); }
    [[nodiscard]] std::uint64_t first_due_ns() const { return heap_.front().due_ns; }
    [[nodiscard]] std::uint64_t first_came_ns() const { return heap_.front().came_ns; }
    [[nodiscard]] std::span<const std::byte> first() const;
    void release_first();

private:
    struct Chunk {
        std::unique_ptr<std::byte[]> bytes;
        std::size_t used = 0;
        std::uint32_t packets = 0;
    };
    struct Packet {
        std::uint64_t due_ns, number, came_ns;
        std::uint32_t chunk, offset, length;
    };
    static bool later(const Packet& a, const Packet& b) { return a.due_ns != b.due_ns ? a.due_ns > b.due_ns : a.number > b.number; }

    std::vector<Chunk> chunks_;
    std::vector<std::uint32_t> free_;  // last in, first out: the warmest first
    std::uint32_t current_ = 0;
    std::uint64_t kept_ = 0;
    std::vector<Packet> heap_;
};

class DelayLine {
public:
    struct Plan {
        std::chrono::nanoseconds delay{0};
        // Each packet is held for delay and what is drawn from the spread, never below 0. As with netem, packets of one flow may
        // overtake each other then; without jitter they never do.
        std::chrono::nanoseconds jitter{0};
        std::chrono::nanoseconds lease{0};
        std::uint64_t seed = 0;
        DelaySpread spread = {};
        // Bits a second in each direction (helper.h tells them apart), 0: as fast as may be. What would wait longer than `queue` is
        // dropped.
        std::uint64_t rate = 0;
        std::chrono::nanoseconds queue{0};
        bool corrupt = false;  // flips a bit behind the IP header of each packet
    };

    // `device` is a TAP opened non-blocking with IFF_VNET_HDR; it is not owned and must outlive the line.
    DelayLine(int device, const Plan& plan);
    // Sends on at once, in order, whatever is held or still queued in the device.
    ~DelayLine();
    DelayLine(const DelayLine&) = delete;
    DelayLine& operator=(const DelayLine&) = delete;

    // Whether the thread was at work within the last half of the lease. It is not once it is stopped, starved, or its device is gone.
    [[nodiscard]] bool fresh() const;
    // Packets lost: storage or the queue before a rate was full, they were overdue by more than the lease after the process had been
    // stopped, or the device refused them.
    [[nodiscard]] std::uint64_t dropped() const { return dropped_.load(std::memory_order_relaxed); }
    // Packets that are being delayed now. One that is written back is no longer counted when it gets there.
    [[nodiscard]] std::uint64_t holding() const { return holding_.load(std::memory_order_relaxed); }

    // How long those were held that were written back: from when they were read on.
    [[nodiscard]] AppliedDelay applied() const { return applied_.sum_up(); }

private:
    void work();
    void beat(std::uint64_t now);
    void drop_stale(std::uint64_t now);
    // Reads one packet. False if there is none now.
    bool receive();
    void take_in(std::span<std::byte> packet);
    void send_first();
    void wait(std::uint64_t now);
    // When a packet that came in now is due; nothing if it has to wait for too long.
    std::optional<std::uint64_t> due(std::span<const std::byte> packet, std::uint64_t now);
    void damage(std::span<std::byte> packet);
    void drop(std::uint64_t packets = 1) { dropped_.fetch_add(packets, std::memory_order_relaxed); }

    const int device_;
    const Plan plan_;
    unique_fd wake_;
    HeldPackets held_;
    DelayDraws draws_;
    std::mt19937_64 bits_;                          // which of them are flipped
    std::array<std::uint64_t, 2> rate_clock_ns_{};  // until when each direction is taken
    Histogram applied_;
    std::atomic<std::uint64_t> beat_ns_;
    std::atomic<std::uint64_t> dropped_ = 0, holding_ = 0;
    std::atomic<bool> ending_ = false, gone_ = false;
    std::thread thread_;
};

}  // namespace blackstart
