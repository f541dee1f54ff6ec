// What is different between two runs, for people: verdict, expectations and hits; what is the same is counted, not told.
#pragma once

#include <string>

#include "experiments/report/record.h"

namespace blackstart {

// Expectations and faults are matched by their titles and names. Ends with a newline.
std::string compare(const JudgedRun& before, const JudgedRun& after);

}  // namespace blackstart
