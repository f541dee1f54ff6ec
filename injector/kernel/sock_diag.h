// TCP connections and UDP sockets of a network namespace, as the kernel's sock_diag tells and ends them.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <vector>

namespace blackstart {

// An open TCP connection as its holder sees it.
struct TcpFlow {
    std::array<std::uint8_t, 16> local{}, remote{};  // network byte order; IPv4 as ::ffff:a.b.c.d
    std::uint16_t local_port = 0, remote_port = 0;   // host byte order
    std::uint64_t netns_inode = 0;                   // of the namespace in which `local` is an address
};

// Calls `see` with each connection, IPv4 and IPv6, of the calling thread's namespace, and with its socket's inode number; what
// listens, is half open or only waits for stray packets is left out. Returns 0 or an errno.
int each_connection(const std::function<void(const TcpFlow&, std::uint32_t inode)>& see);

// A socket that is there now, bound or connected.
struct OpenSocket {
    int protocol = 0;          // IPPROTO_TCP or IPPROTO_UDP
    bool peer = false;         // it is connected to `flow.remote`; without: it listens, or receives from anybody
    TcpFlow flow;              // without netns_inode
    std::uint64_t cgroup = 0;  // the cgroup's id; 0 where the kernel does not tell (before 5.8)
};

// The TCP sockets, listening ones included, and the UDP sockets of a namespace, IPv4 and IPv6. Returns 0 or an errno; what was
// found until then stays in `found`.
int open_sockets(int netns_fd, std::vector<OpenSocket>& found);

// Ends those connections in a namespace that `chosen` picks: their holders see ECONNABORTED, and a RST goes to the far end
// (SOCK_DESTROY, linux/sock_diag.h). Returns how many; none where the kernel was built without it (CONFIG_INET_DIAG_DESTROY).
std::uint64_t destroy_connections(int netns_fd, const std::function<bool(const TcpFlow&)>& chosen);

}  // namespace blackstart
