// What can be looked at. Each kind is a plain struct in a header of its own (<kind>.h); how it is run is in <kind>.cpp.
#pragma once

#include <chrono>
#include <string>
#include <variant>

#include "probes/dns.h"
#include "probes/exec.h"
#include "probes/grpc_health.h"
#include "probes/http.h"
#include "probes/icmp.h"
#include "probes/metric.h"
#include "probes/resolve.h"
#include "probes/tcp.h"
#include "probes/unit.h"

namespace blackstart {

using ProbeKind = std::variant<HttpProbe, DnsProbe, ResolveProbe, TcpProbe, GrpcHealthProbe, IcmpProbe, ExecProbe, MetricProbe, UnitProbe>;

struct Probe {
    std::string name;
    std::string from;  // a lab host, or a netns as in a target; "" = the host's own
    std::chrono::nanoseconds every{std::chrono::seconds(1)};
    std::chrono::nanoseconds timeout{std::chrono::seconds(1)};
    bool baseline = true;  // false: fails by design, not asked when the baseline is judged
    ProbeKind kind;
};

inline const char* kind(const Probe& probe) {
    return std::visit([](const auto& k) { return k.kind; }, probe.kind);
}

}  // namespace blackstart
