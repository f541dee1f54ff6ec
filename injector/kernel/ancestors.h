// Law 4: the session that runs blackstart is not to be cut by it. sudo drops SSH_CONNECTION, so the session is found by
// walking from this process up to PID 1 and asking the kernel (sock_diag) which TCP connections those processes hold.
#pragma once

#include <vector>

#include "injector/kernel/sock_diag.h"

namespace blackstart {

// The TCP connections, IPv4 and IPv6, that this process and its ancestors hold now; each once. A fault spares them in whichever
// namespace it meets them: the session may pass through this host instead of ending in it. A connection held by a process
// that is no ancestor (the ssh behind a tmux server) is not found.
// Throws Unfit if an ancestor cannot be looked into or sock_diag is missing: a session that cannot be seen cannot be spared.
std::vector<TcpFlow> ancestor_flows();

}  // namespace blackstart
