// getaddrinfo, as an application would call it, in a child that can be killed. "No such name" and "no address" are replies, with the
// empty set as value; a resolver that fails or does not answer is none. In a lab host its own hosts file and resolv.conf apply, in a
// named netns the host's: /etc/netns/NAME is not looked at.
#pragma once

#include <string>

namespace blackstart {

struct ResolveProbe {
    static constexpr const char* kind = "resolve";
    enum class Family { any, ipv4, ipv6 };
    std::string name;
    Family family = Family::any;
};

}  // namespace blackstart
