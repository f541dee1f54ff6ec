// What was not met, at the line of the experiment that asks for it: for the diff and the checks of a code review.
#pragma once

#include <string>

#include "experiments/report/record.h"

namespace blackstart {

// Workflow commands of GitHub Actions, one a line: "::error file=…,line=…,title=…::…" for what deviated, "::warning" for what is
// inconclusive; where neither explains the exit code, one for the whole file. Nothing if the run held.
std::string to_github(const JudgedRun& run);

// A Code Quality report of GitLab (artifacts:reports:codequality): a JSON array of the same.
std::string to_gitlab(const JudgedRun& run);

}  // namespace blackstart
