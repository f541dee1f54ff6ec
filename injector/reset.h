// Open TCP connections that match are reset, for as long as the fault lasts: those that are open, and those that are opened.
#pragma once

#include "injector/match.h"

namespace blackstart {

// Those of this host are ended at once (SOCK_DESTROY: ECONNABORTED here, ECONNRESET at the far end). All others, and those of
// this host where the kernel cannot, or where only a share, a cgroup or a cycle is asked for, at their next segment, which becomes a
// RST to each of the two ends. A share is one of connections: all segments of one are drawn alike.
struct ResetFault {
    static constexpr const char* kind = "reset";
    Match match;  // of other protocols than TCP nothing is touched
};

}  // namespace blackstart
