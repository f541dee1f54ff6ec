// Quantiles of the latency, by nearest rank; an observation that is not ok counts as infinite. Under 1/(1−q) samples a
// quantile says nothing, whatever they were. What is missing counts against either answer.
// Source: Hyndman and Fan, Sample Quantiles in Statistical Packages, The American Statistician 50, 1996 (definition 1).
#pragma once

#include <vector>

#include "experiments/expectations/expectation.h"
#include "experiments/expectations/finding.h"
#include "experiments/expectations/windows.h"

namespace blackstart {

Finding judge(const LatencyLimits& condition, const Evidence& evidence);

// Latencies in nanoseconds, infinity for what was not ok, in order.
std::vector<double> latencies(const Evidence& evidence);
// Of sorted, non-empty values: the one of rank ⌈q·n⌉.
double nearest_rank(const std::vector<double>& sorted, double q);
// "p99", "p99.9"
std::string quantile_name(double q);
// "12.3ms"; "a failure" for infinity
std::string latency_text(double ns);

}  // namespace blackstart
