// A trace for OTLP/HTTP with JSON: the run is the root span; baseline, observation and every fault on every target are spans below it.
// The same run always has the same ids. Source: opentelemetry-proto, trace.proto, JSON mapping.
#pragma once

#include <string>

#include "experiments/report/record.h"

namespace blackstart {

std::string to_otlp(const JudgedRun& run);

}  // namespace blackstart
