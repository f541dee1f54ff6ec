// Network interfaces, as rtnetlink tells them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace blackstart {

struct Interface {
    int index = 0;
    std::string name;
    bool loopback = false;
    bool ethernet = true;  // false: packets begin with the IP header (tun, wireguard, ppp)
    bool up = false;
    bool addressed = false;  // holds an IPv4 or IPv6 address
    bool lower = false;      // a bridge port, a bond or team member, or the parent of a VLAN: its traffic is seen above it
    bool helper = false;     // a blackstart helper device ("bsd…")
};

// Every interface of a namespace (a negative descriptor: the caller's own), by index. Throws Unfit.
std::vector<Interface> interfaces(int netns_fd);

// The IPv4 addresses of a namespace, network byte order. Throws Unfit.
std::vector<std::uint32_t> own_ip4(int netns_fd);

// Moves a device from the namespace where it was made to another, where it gets the next free name of the helpers ("bsd%d").
// Throws Unfit.
void move_link(int from_netns_fd, const std::string& name, int to_netns_fd);

// Brings a helper device up, mute: it holds no address and sends no frame of its own (no MLD, duplicate address detection or router
// solicitation). Its queue holds 20,000 packets. Returns its index. Throws Unfit.
int raise_helper(int netns_fd, const std::string& name);

// How many packets a device refused to send since it was made (tx_dropped); 0 if it is gone. Throws Unfit.
std::uint64_t refused_packets(int netns_fd, int index);

// The name of a device. Throws Unfit if there is none.
std::string link_name(int netns_fd, int index);

}  // namespace blackstart
