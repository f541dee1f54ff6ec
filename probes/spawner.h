// Inside probes/: the process that forks the children, and how it is spoken to. One message (SOCK_SEQPACKET) is one struct,
// followed by text; both ends are the same program.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <span>

namespace blackstart::spawner {

inline constexpr std::size_t largest_message = 64 * 1024;

enum class Ask : std::int32_t { look_up, run, kill };

// With SCM_RIGHTS in this order, where said: network namespace, mount namespace, stdout. The text is the name, or the arguments,
// each ended by a NUL.
struct Request {
    std::uint64_t id = 0;
    Ask ask = Ask::look_up;
    std::int32_t family = 0;
    std::uint32_t arguments = 0;
    bool has_netns = false, has_mntns = false, has_output = false;
};

enum class Tell : std::int32_t {
    looked_up,  // code: of getaddrinfo; text: addresses, each ended by a NUL. Comes before `ended`
    failed,     // code: errno; text: what could not be done. Comes before `ended`
    ended       // code: as of waitpid(2). The last one of each request but a kill
};

struct Reply {
    std::uint64_t id = 0;
    Tell tell = Tell::ended;
    std::int32_t code = 0;
};

// What the forked process does, until the other end of `control` closes. Closes every other descriptor first.
[[noreturn]] void serve(int control);

// Sends a struct, text and descriptors as one message; what sendmsg(2) returns.
ssize_t send(int socket, std::span<const std::byte> head, std::span<const char> text, std::span<const int> descriptors, int flags);

}  // namespace blackstart::spawner
