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

class Armed {
public:
    // Claims, then arms what was prepared for this fault and target: when it returns, the fault acts. `target_name` is for people and
    // for the registry. The registration must outlive it. Throws Unfit, with nothing left behind.
    Armed(Registration& registration, const PlannedFault& fault, const Target& target, std::string target_name,
          std::unique_ptr<Injection> prepared);
    ~Armed();  // restores, if restore() has not
    Armed(const Armed&) = delete;
    Armed& operator=(const Armed&) = delete;

    [[nodiscard]] const std::string& fault() const { return fault_; }
    [[nodiscard]] const std::string& target() const { return target_; }
    [[nodiscard]] const std::string& until() const { return until_; }  // wall clock
    [[nodiscard]] std::string how() const { return injection_->how(); }
    [[nodiscard]] Tally tally() const { return injection_->tally(); }
    // False once the lease had lapsed: restore then.
    bool renew();

    struct Restored {
        Tally tally;
        std::vector<std::string> left;  // what is still there of ours; empty: the host is whole
    };
    Restored restore();

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
