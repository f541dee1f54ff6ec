// Faults in words, for plans: what is matched, what is done, and what this kind cannot reach (law 7: said beforehand).
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "experiments/experiment.h"

namespace blackstart {

// "2.5s", "20ms", "150us": the largest unit that keeps it short.
std::string in_words(std::chrono::nanoseconds time);

// "queries for db.test of any type, UDP port 53: answered empty (NOERROR, no records)".
std::string in_words(const Fault& fault);
// "for 20s; a share of 30%; of each 5, 3 are hit and 2 pass".
std::string in_words(const Terms& terms);

// "dns-queries to port 53".
std::string in_words(const MeterPlan& plan);

// What the kind does not touch or cannot see, one sentence each.
std::vector<std::string> limits_of(const Fault& fault);

}  // namespace blackstart
