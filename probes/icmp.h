// One echo request (RFC 792, RFC 4443 §4.1), and its reply. Through a ping socket where net.ipv4.ping_group_range allows this process
// one, else through a raw one (CAP_NET_RAW).
#pragma once

#include <string>

namespace blackstart {

struct IcmpProbe {
    static constexpr const char* kind = "icmp";
    std::string to;  // an address, or a name that is looked up each time
};

}  // namespace blackstart
