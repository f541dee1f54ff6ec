// A plan as a tree for people, and as one line of JSON ("blackstart-plan/1.1") that `run --plan` takes.
#pragma once

#include <string>
#include <vector>

#include "experiments/plan.h"

namespace blackstart {

std::string to_text(const Plan& plan);
// One line, a newline at the end. The experiment's whole text is in it.
std::string to_json(const Plan& plan);

// What `run --plan` needs of such a line.
struct PlanRead {
    std::string file, text;
    std::uint64_t seed = 0;
    std::string faults;  // as JSON
};
// Throws Misuse if the file does not hold exactly one plan that this build can read.
PlanRead read_plan(const std::string& file);

// What is different here and now from what was planned, one line each: the faults, where they would be put and what they would do.
// What they would meet (the radius) changes by the second and is not compared.
std::vector<std::string> differences(const PlanRead& planned, const Plan& now);

}  // namespace blackstart
