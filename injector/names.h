// Host names, resolved as the target's applications would.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "injector/prefix.h"

namespace blackstart {

// The addresses, IPv4 and IPv6, that getaddrinfo gives in a network namespace (with this process's /etc/hosts and resolv.conf).
// Asked in a child that is killed when the time is over. Throws Unfit if there are none: fail closed.
std::vector<Prefix> resolve_name(int netns_fd, const std::string& name, std::chrono::milliseconds patience = std::chrono::seconds(5));

}  // namespace blackstart
