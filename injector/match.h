// What every network kind matches on: the words of a file, and the rules that its program reads.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "injector/bpf/match.h"
#include "injector/kernel/sock_diag.h"
#include "injector/target.h"

namespace blackstart {

struct Match {
    enum class Way { egress, ingress, both };
    std::vector<std::string> to;       // the far end: addresses, CIDRs, host names, or "any"
    std::vector<std::string> from;     // the near end, likewise
    std::vector<std::uint16_t> ports;  // either end
    std::string protocol = "any";      // tcp, udp, icmp, any
    Way direction = Way::egress;
};

// The rules, with every host name resolved in the target's namespace and the connections of our ancestors spared (law 4).
// Throws Misuse if nothing is matched, a value cannot be, or the lists are too long; Unfit for a host name that does not
// resolve: never "all traffic".
::match kernel_match(const Match& match, const Target& target);

// A host name among the peers, as the program looks for it (injector/bpf/observe.h).
struct ObservedName {
    std::uint64_t hash = 0;
    std::uint32_t lists = 0;  // LIST_TO, LIST_FROM
};
std::vector<ObservedName> observed_names(const Match& match);

// Throws Misuse where a cgroup scope is asked for what arrives: the kernel does not know whose that is.
void check_scope(const Match& match, const Target& target);

// Whether the segments of a TCP connection of this host match, whichever way they go, and may be touched.
bool concerns(const ::match& rules, const TcpFlow& flow);

// Whether a packet between two IPv4 addresses of this host can match: such packets pass `lo` and need its sysctls.
// `own` are the host's IPv4 addresses; 127.0.0.0/8 is always among them.
bool meets_own_ip4(const ::match& rules, const std::vector<std::uint32_t>& own);

}  // namespace blackstart
