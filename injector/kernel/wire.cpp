#include "injector/kernel/wire.h"

#include <linux/if_addr.h>
#include <net/if.h>
#include <netlink/addr.h>
#include <netlink/route/addr.h>
#include <netlink/route/link.h>
#include <netlink/route/link/bridge.h>
#include <netlink/route/link/veth.h>
#include <netlink/socket.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cerrno>
#include <memory>

#include "injector/kernel/error.h"
#include "injector/kernel/netns.h"
#include "injector/kernel/unique_fd.h"

namespace blackstart {
namespace {

constexpr const char* kHostDevice = "eth0";

using Socket = std::unique_ptr<nl_sock, decltype(&nl_socket_free)>;
using Link = std::unique_ptr<rtnl_link, decltype(&rtnl_link_put)>;

void check(int result, const std::string& what) {
    if (result >= 0) return;
    const bool denied = result == -NLE_PERM;
    const bool absent = result == -NLE_OPNOTSUPP;
    throw Unfit(what + ": " + nl_geterror(result), denied   ? "run as root"
                                                   : absent ? "a kernel with bridge and veth is needed (modules bridge, veth)"
                                                            : "");
}

// In the caller's present namespace.
Socket rtnetlink() {
    Socket socket(nl_socket_alloc(), &nl_socket_free);
    if (!socket) throw Unfit("cannot open rtnetlink", "");
    check(nl_connect(socket.get(), NETLINK_ROUTE), "cannot open rtnetlink");
    return socket;
}

int index_of(const std::string& device) {
    const unsigned index = ::if_nametoindex(device.c_str());
    if (index == 0) throw_errno("interface " + device, errno);
    return static_cast<int>(index);
}

void bring_up(nl_sock* socket, int index) {
    const Link link(rtnl_link_alloc(), &rtnl_link_put), change(rtnl_link_alloc(), &rtnl_link_put);
    rtnl_link_set_ifindex(link.get(), index);
    rtnl_link_set_flags(change.get(), IFF_UP);
    check(rtnl_link_change(socket, link.get(), change.get(), 0), "cannot bring an interface up");
}

void add_address(nl_sock* socket, int index, const std::string& text) {
    nl_addr* parsed = nullptr;
    check(nl_addr_parse(text.c_str(), AF_UNSPEC, &parsed), "address " + text);
    const std::unique_ptr<nl_addr, decltype(&nl_addr_put)> local(parsed, &nl_addr_put);
    const std::unique_ptr<rtnl_addr, decltype(&rtnl_addr_put)> address(rtnl_addr_alloc(), &rtnl_addr_put);
    rtnl_addr_set_ifindex(address.get(), index);
    check(rtnl_addr_set_local(address.get(), local.get()), "address " + text);
    if (nl_addr_get_family(local.get()) == AF_INET6) rtnl_addr_set_flags(address.get(), IFA_F_NODAD);
    check(rtnl_addr_add(socket, address.get(), 0), "cannot add address " + text);
}

}  // namespace

void make_bridge(int netns_fd, const std::string& bridge) {
    const InNetns inside(netns_fd);
    const Socket socket = rtnetlink();
    const Link link(rtnl_link_bridge_alloc(), &rtnl_link_put);
    rtnl_link_set_name(link.get(), bridge.c_str());
    check(rtnl_link_add(socket.get(), link.get(), NLM_F_CREATE | NLM_F_EXCL), "cannot make a bridge");
    bring_up(socket.get(), index_of(bridge));
}

void join_bridge(int bridge_netns_fd, const std::string& bridge, const std::string& port, int host_netns_fd,
                 const std::vector<std::string>& addresses) {
    {
        const InNetns inside(bridge_netns_fd);
        const Socket socket = rtnetlink();
        const Link link(rtnl_link_veth_alloc(), &rtnl_link_put);
        const Link peer(rtnl_link_veth_get_peer(link.get()), &rtnl_link_put);
        rtnl_link_set_name(link.get(), port.c_str());
        rtnl_link_set_master(link.get(), index_of(bridge));
        rtnl_link_set_name(peer.get(), kHostDevice);
        rtnl_link_set_ns_fd(peer.get(), host_netns_fd);
        check(rtnl_link_add(socket.get(), link.get(), NLM_F_CREATE | NLM_F_EXCL), "cannot make a veth pair");
        bring_up(socket.get(), index_of(port));
    }
    const InNetns inside(host_netns_fd);
    const Socket socket = rtnetlink();
    const int index = index_of(kHostDevice);
    bring_up(socket.get(), index);
    for (const auto& address : addresses) add_address(socket.get(), index, address);
}

bool carries(int netns_fd, const std::string& device) {
    const InNetns inside(netns_fd);
    const unique_fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    ifreq request{};
    device.copy(request.ifr_name, sizeof request.ifr_name - 1);
    // IFF_RUNNING is the operational state (RFC 2863), which a bridge goes by, not the carrier alone.
    return ::ioctl(socket.get(), SIOCGIFFLAGS, &request) == 0 && (request.ifr_flags & IFF_RUNNING) != 0;
}

}  // namespace blackstart
