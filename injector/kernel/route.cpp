#include "injector/kernel/route.h"

#include <linux/rtnetlink.h>
#include <netlink/addr.h>
#include <netlink/route/nexthop.h>
#include <netlink/route/route.h>
#include <netlink/socket.h>
#include <sys/socket.h>

#include <algorithm>
#include <memory>

#include "injector/kernel/error.h"
#include "injector/kernel/netns.h"

namespace blackstart {
namespace {

bool is_v4_mapped(const std::array<std::uint8_t, 16>& address) {
    return std::all_of(address.begin(), address.begin() + 10, [](auto byte) { return byte == 0; }) && address[10] == 0xff &&
           address[11] == 0xff;
}

}  // namespace

std::optional<Route> route_to(int netns_fd, const std::array<std::uint8_t, 16>& address) {
    const InNetns there(netns_fd);
    const std::unique_ptr<nl_sock, decltype(&nl_socket_free)> socket(nl_socket_alloc(), &nl_socket_free);
    if (!socket || nl_connect(socket.get(), NETLINK_ROUTE) < 0) throw Unfit("cannot open rtnetlink", "");
    const bool v4 = is_v4_mapped(address);
    const std::unique_ptr<nl_addr, decltype(&nl_addr_put)> to(
        nl_addr_build(v4 ? AF_INET : AF_INET6, address.data() + (v4 ? 12 : 0), v4 ? 4 : 16), &nl_addr_put);
    rtnl_route* found = nullptr;
    if (!to || rtnl_route_lookup(socket.get(), to.get(), &found) < 0) return std::nullopt;
    const std::unique_ptr<rtnl_route, decltype(&rtnl_route_put)> route(found, &rtnl_route_put);
    auto* hop = rtnl_route_nexthop_n(route.get(), 0);
    if (hop == nullptr) return std::nullopt;
    return Route{static_cast<unsigned>(rtnl_route_nh_get_ifindex(hop)), rtnl_route_get_type(route.get()) == RTN_LOCAL,
                 rtnl_route_nh_get_gateway(hop) != nullptr};
}

}  // namespace blackstart
