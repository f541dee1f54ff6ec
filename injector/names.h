// Host names, resolved as the target's applications would.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include "injector/prefix.h"
#include "injector/target.h"

namespace blackstart {

// Of one list of peers: each is looked up, and followed as its answers change (bpf/observe.h).
inline constexpr std::ptrdiff_t kMostHostNames = 64;

// What is no address, no CIDR and not "any".
bool is_host_name(const std::string& peer);

// The addresses, IPv4 and IPv6, that getaddrinfo gives in the target's network namespace, with the /etc/hosts and resolv.conf of its
// applications (kernel/mntns.h). Asked in a child that is killed when the time is over. Throws Unfit if there are none: fail closed.
std::vector<Prefix> resolve_name(const Target& target, const std::string& name,
                                 std::chrono::milliseconds patience = std::chrono::seconds(5));

}  // namespace blackstart
