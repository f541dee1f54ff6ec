// A fault in force on one target, entered in the registry for as long as it is: what `run` and `inject` both hold.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "experiments/experiment.h"
#include "injector/injection.h"
#include "injector/registry.h"

namespace blackstart {

// What acts no more, with what it has put into the kernel.
struct Spent {
    std::unique_ptr<Injection> injection;
    Footprint footprint;
};
Spent spend(std::unique_ptr<Injection> injection);  // disarms it
// Restores: takes its time, and may be done by any thread. Returns what is still there of ours; empty: nothing.
std::vector<std::string> take_away(Spent spent);

class Armed {
public:
    // Claims, then arms what is attached to this target for this fault: when it returns, the fault acts. `target_name` is for people
    // and for the registry. The registration must outlive it. Throws Unfit, with nothing left behind.
    Armed(Registration& registration, const PlannedFault& fault, const Target& target, std::string target_name,
          std::unique_ptr<Injection> attached);
    ~Armed();  // takes away, if end() has not let go of it
    Armed(const Armed&) = delete;
    Armed& operator=(const Armed&) = delete;

    [[nodiscard]] const std::string& fault() const { return fault_; }
    [[nodiscard]] const std::string& target() const { return target_; }
    [[nodiscard]] const std::string& until() const { return until_; }  // wall clock
    [[nodiscard]] std::string how() const { return injection_->how(); }
    [[nodiscard]] Tally tally() const { return injection_->tally(); }
    // False once the lease had lapsed: restore then.
    bool renew();

    // When it returns, the fault acts no more: it is told, and off the registry. What was attached is to be taken away.
    struct Ended {
        Tally tally;
        Spent spent;
    };
    Ended end();

private:
    void count();  // for `blackstart status`, once a second

    Registration& registration_;
    std::string fault_, target_, until_;
    std::unique_ptr<Injection> injection_;
    std::chrono::steady_clock::time_point counted_;
};

// How often a working loop renews: a tenth of the default lease.
inline constexpr std::chrono::milliseconds kRenewal{200};

}  // namespace blackstart
