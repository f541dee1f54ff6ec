// TCP connections of a network namespace, as the kernel's sock_diag tells and ends them.
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

// Ends those connections in a namespace that `chosen` picks: their holders see ECONNABORTED, and a RST goes to the far end
// (SOCK_DESTROY, linux/sock_diag.h). Returns how many; none where the kernel was built without it (CONFIG_INET_DIAG_DESTROY).
std::uint64_t destroy_connections(int netns_fd, const std::function<bool(const TcpFlow&)>& chosen);

}  // namespace blackstart
