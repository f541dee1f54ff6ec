// One seed a run: every random choice comes from it.
#pragma once

#include <cstdint>

#include "experiments/experiment.h"

namespace blackstart {

// Makes `seed` the experiment's, and gives each fault its own: from the run's seed and the fault's name, so that a fault keeps
// its choices when others are added, taken away or moved. Called once, when the seed is known: given by the file, or drawn.
void seed_faults(Experiment& experiment, std::uint64_t seed);

}  // namespace blackstart
