// What every network kind matches on, in the words of a file.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace blackstart {

struct Match {
    enum class Way { egress, ingress, both };
    // The far end: addresses, CIDRs, host names, or "any"; at most 100,000 addresses, of 32 different prefix lengths if they are more
    // than 64.
    std::vector<std::string> to;
    std::vector<std::string> from;     // the near end, likewise
    std::vector<std::uint16_t> ports;  // either end
    std::string protocol = "any";      // tcp, udp, icmp, any
    Way direction = Way::egress;
};

}  // namespace blackstart
