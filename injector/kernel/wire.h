// Wires between network namespaces: a bridge, and veth pairs from it to hosts. Made through rtnetlink; they live as long
// as the namespaces that hold them.
#pragma once

#include <string>
#include <vector>

namespace blackstart {

// A bridge, up, without spanning tree, in the namespace `netns_fd`. Throws Unfit.
void make_bridge(int netns_fd, const std::string& bridge);

// One cable: `port` on the bridge, its other end `eth0` in `host_netns_fd`, both up, with `addresses` ("10.0.0.1/24",
// "fd00::1/64") on eth0. IPv6 addresses are usable at once (no duplicate address detection). Throws Unfit.
void join_bridge(int bridge_netns_fd, const std::string& bridge, const std::string& port, int host_netns_fd,
                 const std::vector<std::string>& addresses);

// Whether a device is up and carries traffic. After joining, the kernel takes up to a second for each end, and what is sent
// before is lost. False also if there is no such device.
bool carries(int netns_fd, const std::string& device);

}  // namespace blackstart
