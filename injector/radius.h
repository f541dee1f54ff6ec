// The blast radius: what a fault would meet now, from the kernel's own tables (sock_diag, /proc). Touches nothing.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "injector/fault.h"
#include "injector/target.h"

namespace blackstart {

struct Radius {
    struct Peer {  // sockets that are connected to one far end
        std::string protocol, address;
        std::uint16_t port = 0;
        std::size_t sockets = 0;
    };
    struct Local {  // a socket that listens, or receives from anybody
        std::string protocol, address;
        std::uint16_t port = 0;
    };
    struct Process {
        pid_t pid = 0;
        std::string name;  // as the kernel keeps it: 15 bytes of it at most
    };
    std::size_t sockets = 0;  // connected ones that match
    std::size_t exempt = 0;   // that would match and are spared: the session that runs blackstart
    std::vector<Peer> peers;  // the most sockets first
    std::vector<Local> locals;
    std::vector<Process> processes;   // of a process fault
    std::vector<std::string> spared;  // processes that are selected and protected
    std::string unknown;              // why it cannot be told; "" if it is
};

// A name among the peers is resolved in the target's namespace. Throws Unfit if it does not resolve, or there is no such unit, cgroup
// or program: the fault could not be put there either. What else stands in the way is `unknown`.
Radius radius(const Fault& fault, const Target& target);

}  // namespace blackstart
