// Who watches a run while it goes on: what is recorded, as it is recorded, and what its faults have done so far.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "experiments/history.h"

namespace blackstart {

struct Acting {  // a fault in force on one target
    std::string fault, target;
    std::uint64_t hits = 0;
};

// Called from the run's own loop, which renews the leases: nothing here may take long, or throw.
class Follower {
public:
    virtual ~Follower() = default;
    Follower(const Follower&) = delete;
    Follower& operator=(const Follower&) = delete;

    // Every event, in the order of the history's lines.
    virtual void seen(const Event& event) = 0;
    // Five times a second from the baseline to the end of observation; `now` since the origin.
    virtual void tick(Time now, const std::vector<Acting>& acting) = 0;
    // One line of progress, for people.
    virtual void line(const std::string& text) = 0;

protected:
    Follower() = default;
};

}  // namespace blackstart
