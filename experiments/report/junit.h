// JUnit XML for pipelines: one testcase an expectation, classname the experiment, names unique. An expectation that was not met is a
// failure; one that is inconclusive is an error, and so is every other one of a run whose evidence or host is not sound.
// Source: the schema of Apache Ant's junitreport, as Jenkins and GitLab read it.
#pragma once

#include <string>

#include "experiments/report/record.h"

namespace blackstart {

std::string to_junit(const JudgedRun& run);

}  // namespace blackstart
