// The meters of one run: counted a second at a time, from the baseline to the end of observation.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "experiments/experiment.h"
#include "experiments/history.h"
#include "injector/meter.h"

namespace blackstart {

class Metering {
public:
    // Counts from when it returns; to be made once all faults are attached. Both must outlive it. Throws Misuse or Unfit, with nothing left
    // behind.
    Metering(const Experiment& experiment, const std::map<std::string, Target>& targets);

    // What was counted from when it was last asked to `now` (CLOCK_MONOTONIC, as are the events' times), one event a meter. A
    // meter whose lease had lapsed says nothing any more.
    std::vector<Event> take(std::chrono::nanoseconds now);
    // As often as a fault's lease.
    void renew();
    // Ends the counting. Returns what is still there of ours; empty: nothing.
    std::vector<std::string> stop();

private:
    struct Running {
        const PlannedMeter* planned;
        const Target* target;
        std::unique_ptr<Meter> meter;
        std::uint64_t counted = 0;
        std::chrono::nanoseconds since{0};
        bool working = true;
    };
    std::vector<Running> running_;
};

}  // namespace blackstart
