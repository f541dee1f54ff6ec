// What matches does not get through: one way or both, in silence or with a refusal.
#pragma once

#include "injector/match.h"

namespace blackstart {

struct PartitionFault {
    static constexpr const char* kind = "partition";
    // What becomes of TCP connections that are open when the fault begins:
    //   stall  their packets are dropped as all others; they go on if the fault ends before they give up
    //   keep   they go on: of TCP, only packets with SYN are dropped
    //   cut    they are ended: those of this host at once (ECONNABORTED), those that pass through it at their next segment
    //          (ECONNRESET at its sender). The far end is not told: it is on the other side
    enum class Established { stall, keep, cut };

    Match match;
    bool reject = false;  // the sender is told: RST for TCP; ICMP port unreachable for UDP, host unreachable for the rest
    Established established = Established::stall;
};

}  // namespace blackstart
