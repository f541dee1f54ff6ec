// A page for the textfile collector of node_exporter: gauges of one run, labelled with the experiment.
// Source: Prometheus text exposition format 0.0.4.
#pragma once

#include <string>

#include "experiments/report/record.h"

namespace blackstart {

std::string to_prometheus(const JudgedRun& run);

}  // namespace blackstart
