// The rules that the program of a network fault reads, made from the words of a file.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "injector/bpf/match.h"
#include "injector/buckets.h"
#include "injector/kernel/sock_diag.h"
#include "injector/kernel/tc_program.h"
#include "injector/match.h"
#include "injector/target.h"

namespace blackstart {

class MatchRules {
public:
    // With every host name resolved in the target's namespace and the connections of our ancestors spared (law 4). Throws Misuse if
    // nothing is matched, a value cannot be, or the lists are too long; Unfit for a host name that does not resolve: never "all traffic".
    MatchRules(const Match& match, const Target& target);

    template <class Skeleton> void before_load(Skeleton& skeleton) const {
        skeleton.rodata->match = kernel_;
        resize(skeleton.maps.many, many_.size());
    }
    template <class Skeleton> void after_load(Skeleton& skeleton) const {
        if (!many_.empty()) fill(skeleton.maps.many, std::as_bytes(std::span(many_)));
    }

    // Whether packets between a local and a remote end match, whichever way they go. `protocol`: IPPROTO_TCP or IPPROTO_UDP.
    [[nodiscard]] bool meet(const TcpFlow& flow, int protocol, bool any_peer = false) const;
    // Whether it is one that nobody may touch.
    [[nodiscard]] bool spare(const TcpFlow& flow) const;
    // A TCP connection that matches, and may be touched.
    [[nodiscard]] bool concern(const TcpFlow& flow) const;
    // Whether a packet between two IPv4 addresses of this host can match: such packets pass `lo` and need its sysctls.
    // `own` are the host's IPv4 addresses; 127.0.0.0/8 is always among them.
    [[nodiscard]] bool meet_own_ip4(const std::vector<std::uint32_t>& own) const;

private:
    ::match kernel_{};
    std::vector<cidr> to_, from_;
    std::vector<dns_bucket> many_;  // of long lists
};

// Throws Misuse where a cgroup scope is asked for what arrives: the kernel does not know whose that is.
void check_scope(const Match& match, const Target& target);

// A host name among the peers, as the program looks for it (injector/bpf/observe.h).
struct ObservedName {
    std::uint64_t hash = 0;
    std::uint32_t lists = 0;  // LIST_TO, LIST_FROM
};
std::vector<ObservedName> observed_names(const Match& match);

}  // namespace blackstart
