// Runs probes, open loop: every tick starts one observation, whatever is in flight.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

#include "probes/loop.h"
#include "probes/observation.h"
#include "probes/place.h"
#include "probes/probe.h"

namespace blackstart {

// A tick of a probe that has so many observations in flight, or for which no descriptor is left, is not lost: it is reported
// at once as not ok, "too many in flight". At one a second it takes a timeout of 17 minutes to get there.
inline constexpr std::size_t most_in_flight_per_probe = 1024;

class Watch {
public:
    // `places[i]` is where `probes[i]` runs. `report` is called in the loop, exactly once for each started observation.
    // It must not destroy the watch. Both vectors are copied; the places' descriptors must outlive the watch. Throws Unfit if a
    // probe cannot be run here, Misuse for one that cannot be (an address that is none). Make it before any fault is armed: it
    // may fork the process that starts its children. Raises the soft limit on descriptors where the probes may need more.
    Watch(Loop& loop, const std::vector<Probe>& probes, const std::vector<Place>& places, std::function<void(const Observation&)> report);
    ~Watch();
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;

    // Ticks begin: probe i at now + a fixed share of its interval, so that many probes do not start in one instant.
    void start();
    // No new ticks; what is in flight goes on to its reply or its timeout. `drained` is called (in the loop) when all are in.
    void drain(std::function<void()> drained);

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace blackstart
