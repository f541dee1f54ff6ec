// Counts matching traffic in the kernel, and changes nothing. Leased and owned by descriptors, as a fault is.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "injector/injection.h"
#include "injector/target.h"

namespace blackstart {

// What is counted, on each interface of the target in both directions (on lo once). A packet that goes on from one interface to
// another is seen on both. What a fault delays is counted once, as it comes to the fault; IP fragments behind the first are not
// counted where ports are asked for.
struct MeterPlan {
    enum class Count {
        packets,       // IP packets, those of a GSO packet each
        connections,   // TCP SYNs without ACK: attempts, repeated ones included
        dns_queries,   // DNS queries over UDP (RFC 1035 §4.1.1: QR 0)
        http_requests  // TCP segments that begin with a method of RFC 9110 §9.3 in clear: HTTP/1.x, pipelined ones once
    };
    Count count = Count::packets;
    std::vector<std::uint16_t> ports;  // packets: of either end, absent: all. The others: of the far end, absent: all; dns_queries: 53
};

class Meter {
public:
    // Counts from when it returns, for `duration` at most, ahead of every fault that is attached by then: what those swallow is counted
    // as well. The target's namespace is not pinned. Throws Misuse or Unfit.
    Meter(const MeterPlan& plan, const Target& target, std::chrono::nanoseconds duration);
    ~Meter();
    Meter(const Meter&) = delete;
    Meter& operator=(const Meter&) = delete;

    // So far; only grows.
    [[nodiscard]] std::uint64_t count() const;
    // As of an Injection: a few times a second; false once the lease had lapsed. It counts no more then.
    bool renew();
    void footprint(Footprint& footprint) const;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

// Why this host cannot count; nullopt if it can.
std::optional<Refusal> meter_unsupported();

}  // namespace blackstart
