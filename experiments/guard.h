// Guards: a run that goes further than meant is stopped at once.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "experiments/experiment.h"
#include "probes/observation.h"

namespace blackstart {

// Watches one guard's probe over its sliding window. Pure: times are given, none is asked for.
class GuardWatch {
public:
    // `t0`: CLOCK_MONOTONIC; earlier observations do not count, and nothing trips before a whole window has passed.
    GuardWatch(const Guard& guard, std::chrono::nanoseconds t0) : guard_(guard), t0_(t0) {}

    // Returns why the guard trips, once an observation of its probe has ended at `now`; nullopt otherwise.
    std::optional<std::string> see(const Observation& observation, std::chrono::nanoseconds now);

private:
    const Guard& guard_;
    std::chrono::nanoseconds t0_;
    std::deque<std::pair<std::chrono::nanoseconds, bool>> window_;  // start and ok, in order of arrival
    std::size_t ok_ = 0;
};

}  // namespace blackstart
