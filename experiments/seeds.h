// One seed a run: every random choice comes from it.
#pragma once

#include <cstdint>

#include "experiments/experiment.h"

namespace blackstart {

// Makes `seed` the experiment's, and gives each fault its own: from the run's seed and the fault's name, so that a fault keeps
// its choices when others are added, taken away or moved. Called once, when the seed is known: given by the file, or drawn.
void seed_faults(Experiment& experiment, std::uint64_t seed);

// The seed of the n-th run (n from 1) of a repeated experiment: of the first it is `seed` itself. Never 0, below 2^53.
std::uint64_t nth_seed(std::uint64_t seed, int n);

}  // namespace blackstart
