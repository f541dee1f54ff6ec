// How packets to an address leave a network namespace, by RTM_GETROUTE (rtnetlink(7)).
#pragma once

#include <array>
#include <cstdint>
#include <optional>

namespace blackstart {

struct Route {
    unsigned interface = 0;  // index
    bool local = false;      // to an address of the namespace itself
    bool gateway = false;    // through a router
};

// `address` as in prefix.h: 16 bytes in network order, IPv4 mapped. nullopt: there is no route. Throws Unfit without rtnetlink.
std::optional<Route> route_to(int netns_fd, const std::array<std::uint8_t, 16>& address);

}  // namespace blackstart
