// The same experiment run again and again, each time under another seed: the run is the unit, and a share of runs is judged.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "experiments/expectations/finding.h"

namespace blackstart {

inline constexpr const char* repetition_file = "summary.json";

struct RunOfMany {
    std::string folder;  // below that of the repetition: "001"
    std::uint64_t seed = 0;
    Outcome verdict = Outcome::inconclusive;
    int exit_code = 3;
    std::string reason;
};

struct Repetition {
    std::string experiment;
    std::uint64_t seed = 0;  // of the first run; the others' are derived from it (nth_seed)
    int planned = 1;
    std::vector<RunOfMany> runs;  // fewer than planned where one was cut short
};

// Of the run that was cut short (4 and above); else 1 if any deviated, 3 if any was inconclusive, 0 if all held.
int exit_code(const Repetition& repetition);
// Of the weak half of a drill, which has to deviate each time: as above, but 0 if any held, and 1 only if all deviated.
int exit_code_of_weak(const Repetition& repetition);

}  // namespace blackstart
