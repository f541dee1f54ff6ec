// What can be injected. Each kind is a plain struct in a header of its own; adding one here tells the compiler the rest.
#pragma once

#include <variant>

#include "injector/bandwidth.h"
#include "injector/corrupt.h"
#include "injector/dns.h"
#include "injector/duplicate.h"
#include "injector/health.h"
#include "injector/http.h"
#include "injector/latency.h"
#include "injector/loss.h"
#include "injector/partition.h"
#include "injector/process.h"
#include "injector/reorder.h"
#include "injector/reset.h"
#include "injector/surge.h"

namespace blackstart {

using Fault = std::variant<DnsFault, LatencyFault, HealthFault, HttpFault, LossFault, CorruptFault, DuplicateFault, ReorderFault,
                           BandwidthFault, PartitionFault, ResetFault, ProcessFault, SurgeFault>;

inline const char* kind(const Fault& fault) {
    return std::visit([](const auto& f) { return f.kind; }, fault);
}

}  // namespace blackstart
