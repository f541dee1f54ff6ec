// A fault in force on a target. The kernel owns it through this process's descriptors: destroying the Injection, or the
// process, restores.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "injector/fault.h"
#include "injector/kernel/histogram.h"
#include "injector/kernel/remains.h"
#include "injector/target.h"

namespace blackstart {

// Hit `fail` units and let `pass` go, again and again; or by time. Exactly one of the two pairs is set.
struct Cycle {
    std::uint32_t fail = 0, pass = 0;
    std::chrono::nanoseconds on{0}, off{0};
};

// Under which terms a fault acts, whatever its kind.
struct Terms {
    std::chrono::nanoseconds duration{0};  // `for`: required, above 0; law 5
    double probability = 1.0;              // share of matching packets or messages that are hit, (0, 1]
    std::optional<Cycle> cycle;
    std::uint64_t seed = 0;
    std::chrono::nanoseconds lease = std::chrono::seconds(2);
};

// What a fault has done so far. Counts only grow.
struct Tally {
    std::uint64_t matched = 0;                         // packets or messages that the fault is for
    std::uint64_t hits = 0;                            // of those, really acted on: the proof
    std::uint64_t unseen = 0;                          // could not be handled safely, passed untouched
    std::uint64_t dropped = 0;                         // lost by the fault itself (a full delay line)
    bool lapsed = false;                               // the lease ran out before the end: final
    std::optional<AppliedDelay> delay = std::nullopt;  // how long packets were really held, where that is measured
    std::uint64_t encrypted = 0;                       // connections under TLS: what may match there cannot be read, and passed
};

class Injection {
public:
    virtual ~Injection() = default;  // restores
    Injection(const Injection&) = delete;
    Injection& operator=(const Injection&) = delete;

    // Puts what was prepared on its interfaces, where it does nothing yet; what has to watch before (answers to be repeated, names to
    // be followed, connections) does from here on. Once, before arm(): the kernel takes its time for it (an RCU grace period each).
    // The target is the one that it was prepared for; its namespace is not pinned afterwards. Throws Unfit: destroy it then.
    virtual void attach(const Target&) {}
    // When it returns, the fault acts, and its end and its lease count from here. Once. Throws Unfit: destroy it then.
    virtual void arm(const Target& target) = 0;
    // When it returns, the fault acts no more; what it holds goes on when it is destroyed.
    virtual void disarm() = 0;
    // Renews the lease of what is armed. To be called by the working loop a few times a second, at least every lease / 4.
    // Returns false, and never renews again, once the lease had lapsed.
    virtual bool renew() = 0;
    [[nodiscard]] virtual Tally tally() const = 0;
    // How it is done here, for people: "tcx", "tcx, delay line", "clsact, netem".
    [[nodiscard]] virtual std::string how() const = 0;
    // Notes what it has put into the kernel (TcProgram::footprint, helper devices, journal records), so that it can be
    // looked for once the Injection is destroyed.
    virtual void footprint(Footprint& footprint) const = 0;

protected:
    Injection() = default;
};

// Everything that takes its time: host names are looked up, programs loaded, tables filled, helper devices made. Throws Misuse or
// Unfit, with nothing left behind.
std::unique_ptr<Injection> prepare(const Fault& fault, const Target& target, const Terms& terms);

// Prepares, attaches and arms.
std::unique_ptr<Injection> inject(const Fault& fault, const Target& target, const Terms& terms);

// Why this host cannot do it: the reason and the fix; nullopt if it can. Touches nothing. Asked before inject.
struct Refusal {
    std::string reason, fix;
};
std::optional<Refusal> unsupported(const Fault& fault);

// How a fault of this kind is done on this host, which can do it: as Injection::how says.
std::string way(const Fault& fault);

}  // namespace blackstart
