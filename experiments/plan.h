// What an experiment would touch on this host, now. Touches nothing.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "experiments/experiment.h"
#include "injector/radius.h"

namespace blackstart {

// One fault on one target, as it would be put there.
struct Placed {
    const PlannedFault* fault = nullptr;
    std::string target, netns;
    std::vector<std::string> interfaces;
    std::string cgroup;
    std::vector<std::string> notes;  // what it cannot do, and how it is met here
    std::string refusal;             // why it could not be put there; "" if it could
    bool in_lab = false;             // on a host that is made for the run: nothing is there yet
    Radius radius;                   // what it would meet now
};

struct Plan {
    std::string file;  // absolute
    std::string text;  // of the file
    std::uint64_t seed = 0;
    Experiment experiment;
    std::vector<Placed> faults;          // refer to `experiment`: a Plan does not move once it is made
    std::vector<std::string> obstacles;  // why probes and meters could not do their work here, a sentence each

    Plan(std::string file, std::string text, std::uint64_t seed, Experiment experiment);
    Plan(const Plan&) = delete;
    Plan& operator=(const Plan&) = delete;
};

// What no fault ever touches, one sentence each.
const std::vector<std::string>& exempt();

}  // namespace blackstart
