#include "injector/kernel/links.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/in.h>
#include <netlink/addr.h>
#include <netlink/cache.h>
#include <netlink/route/addr.h>
#include <netlink/route/link.h>
#include <netlink/route/link/inet6.h>
#include <netlink/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <set>
#include <string_view>

#include "injector/kernel/error.h"
#include "injector/kernel/netns.h"

namespace blackstart {
namespace {

using Socket = std::unique_ptr<nl_sock, decltype(&nl_socket_free)>;
using Link = std::unique_ptr<rtnl_link, decltype(&rtnl_link_put)>;
using Cache = std::unique_ptr<nl_cache, decltype(&nl_cache_free)>;

Link new_link() {
    Link link(rtnl_link_alloc(), &rtnl_link_put);
    if (!link) throw Unfit("out of memory", "");
    return link;
}

// Speaks to the namespace of the calling thread.
Socket connect() {
    Socket socket(nl_socket_alloc(), &nl_socket_free);
    if (!socket || nl_connect(socket.get(), NETLINK_ROUTE) < 0) throw Unfit("cannot open rtnetlink", "");
    return socket;
}

Cache read(nl_sock* socket, bool links) {
    nl_cache* cache = nullptr;
    const int error = links ? rtnl_link_alloc_cache(socket, AF_UNSPEC, &cache) : rtnl_addr_alloc_cache(socket, &cache);
    if (error < 0) throw Unfit(std::string("cannot list interfaces: ") + nl_geterror(error), "");
    return {cache, &nl_cache_free};
}

template <class Object, class Visit> void each(nl_cache* cache, Visit visit) {
    for (auto* object = nl_cache_get_first(cache); object != nullptr; object = nl_cache_get_next(object))
        visit(reinterpret_cast<Object*>(object));
}

std::string_view kind(rtnl_link* link) {
    const char* type = rtnl_link_get_type(link);
    return type != nullptr ? type : "";
}

Interface describe(rtnl_link* link) {
    const auto type = rtnl_link_get_arptype(link);
    const auto flags = rtnl_link_get_flags(link);
    Interface interface;
    interface.index = rtnl_link_get_ifindex(link);
    interface.name = rtnl_link_get_name(link);
    interface.loopback = (flags & IFF_LOOPBACK) != 0;
    interface.ethernet = type == ARPHRD_ETHER || type == ARPHRD_LOOPBACK;
    interface.up = (flags & IFF_UP) != 0;
    interface.helper = interface.name.starts_with("bsd");
    return interface;
}

Link find(nl_sock* socket, const std::string& name) {
    rtnl_link* found = nullptr;
    const int error = rtnl_link_get_kernel(socket, 0, name.c_str(), &found);
    if (error < 0) throw Unfit("cannot find the device " + name + ": " + nl_geterror(error), "");
    return {found, &rtnl_link_put};
}

int try_change(nl_sock* socket, const std::string& name, const Link& changes) {
    return rtnl_link_change(socket, find(socket, name).get(), changes.get(), 0);
}

void change(nl_sock* socket, const std::string& name, const Link& changes) {
    const int error = try_change(socket, name, changes);
    if (error < 0) throw Unfit("cannot change the device " + name + ": " + nl_geterror(error), "");
}

// Where the kernel has no IPv6 there is nothing to switch off, and where /proc/sys is read-only addrgenmode none has to do.
void switch_ipv6_off(const std::string& name) { std::ofstream("/proc/sys/net/ipv6/conf/" + name + "/disable_ipv6") << 1; }

}  // namespace

std::vector<Interface> interfaces(int netns_fd) {
    const InNetns inside(netns_fd);
    const Socket socket = connect();
    const Cache links = read(socket.get(), true);
    const Cache addresses = read(socket.get(), false);

    std::set<int> addressed, lower, gathering;  // gathering: bridges, bonds and teams
    each<rtnl_addr>(addresses.get(), [&](rtnl_addr* a) { addressed.insert(rtnl_addr_get_ifindex(a)); });
    each<rtnl_link>(links.get(), [&](rtnl_link* link) {
        const auto type = kind(link);
        if (type == "bridge" || type == "bond" || type == "team") gathering.insert(rtnl_link_get_ifindex(link));
        if (type == "vlan") lower.insert(rtnl_link_get_link(link));
    });

    std::vector<Interface> found;
    each<rtnl_link>(links.get(), [&](rtnl_link* link) {
        Interface interface = describe(link);
        interface.addressed = addressed.contains(interface.index);
        interface.lower = lower.contains(interface.index) || gathering.contains(rtnl_link_get_master(link));
        found.push_back(std::move(interface));
    });
    std::ranges::sort(found, {}, &Interface::index);
    return found;
}

std::vector<std::uint32_t> own_ip4(int netns_fd) {
    const InNetns inside(netns_fd);
    ifaddrs* list = nullptr;
    if (::getifaddrs(&list) != 0) throw_errno("cannot list addresses", errno);
    const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> owner(list, &::freeifaddrs);
    std::vector<std::uint32_t> found;
    for (const auto* at = list; at != nullptr; at = at->ifa_next) {
        if (at->ifa_addr == nullptr || at->ifa_addr->sa_family != AF_INET) continue;
        sockaddr_in address{};
        std::memcpy(&address, at->ifa_addr, sizeof address);
        found.push_back(address.sin_addr.s_addr);
    }
    return found;
}

void move_link(int from_netns_fd, const std::string& name, int to_netns_fd) {
    const InNetns inside(from_netns_fd);
    const Socket socket = connect();
    const Link changes = new_link();
    rtnl_link_set_ns_fd(changes.get(), to_netns_fd);
    const int error = try_change(socket.get(), name, changes);
    // Only if its name is taken there: with a pattern the kernel gives it a new one in any case.
    if (error == -NLE_EXIST) rtnl_link_set_name(changes.get(), "bsd%d");
    if (error < 0) change(socket.get(), name, changes);
}

int raise_helper(int netns_fd, const std::string& name) {
    const InNetns inside(netns_fd);
    const Socket socket = connect();
    switch_ipv6_off(name);
    if (std::filesystem::exists("/proc/sys/net/ipv6/conf/" + name)) {
        const Link mute = new_link();
        rtnl_link_inet6_set_addr_gen_mode(mute.get(), rtnl_link_inet6_str2addrgenmode("none"));
        change(socket.get(), name, mute);
    }
    const Link up = new_link();
    rtnl_link_set_txqlen(up.get(), 20'000);
    rtnl_link_set_flags(up.get(), IFF_UP);
    change(socket.get(), name, up);
    return rtnl_link_get_ifindex(find(socket.get(), name).get());
}

std::uint64_t refused_packets(int netns_fd, int index) {
    const InNetns inside(netns_fd);
    const Socket socket = connect();
    rtnl_link* found = nullptr;
    if (rtnl_link_get_kernel(socket.get(), index, nullptr, &found) < 0) return 0;
    const Link link(found, &rtnl_link_put);
    return rtnl_link_get_stat(link.get(), RTNL_LINK_TX_DROPPED);
}

std::string link_name(int netns_fd, int index) {
    const InNetns inside(netns_fd);
    std::array<char, IF_NAMESIZE> name{};
    if (::if_indextoname(static_cast<unsigned>(index), name.data()) == nullptr) throw_errno("no device " + std::to_string(index), errno);
    return name.data();
}

}  // namespace blackstart
