// What every network kind matches on, in the words of a file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace blackstart {

struct Match {
    enum class Way { egress, ingress, both };
    static constexpr std::size_t kMost = 100'000;  // in one list
    // The far end: addresses, CIDRs, host names, or "any". More than 64 have at most 32 different prefix lengths.
    std::vector<std::string> to;
    std::vector<std::string> from;     // the near end, likewise
    std::vector<std::uint16_t> ports;  // either end
    std::string protocol = "any";      // tcp, udp, icmp, any
    Way direction = Way::egress;
};

}  // namespace blackstart
