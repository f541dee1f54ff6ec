#include "experiments/seeds.h"

namespace blackstart {
namespace {

// SplitMix64's finalizer (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, OOPSLA 2014).
std::uint64_t mixed(std::uint64_t x) {
    x += 0x9e3779b97f4a7c15;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
    x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
    return x ^ (x >> 31);
}

std::uint64_t fnv1a(const std::string& text) {
    std::uint64_t hash = 0xcbf29ce484222325;
    for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    return hash;
}

}  // namespace

void seed_faults(Experiment& experiment, std::uint64_t seed) {
    experiment.seed = seed;
    for (auto& fault : experiment.faults) fault.terms.seed = mixed(seed ^ fnv1a(fault.name));
}

std::uint64_t nth_seed(std::uint64_t seed, int n) { return n == 1 ? seed : (mixed(seed + static_cast<std::uint64_t>(n)) >> 11) | 1U; }

}  // namespace blackstart
