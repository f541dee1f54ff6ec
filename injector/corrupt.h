// A share of the packets that match is damaged on its way.
#pragma once

#include "injector/choice.h"
#include "injector/match.h"

namespace blackstart {

// One bit behind the IP header is flipped and no checksum mended, so that whoever receives the packet throws it away; UDP over IPv4
// without a checksum arrives damaged. Always by the delay line, whose device takes no offload: the packets that are hit are cut up
// and summed by the kernel as for a wire, then damaged, each of them, and go on without being held back. With veth and `lo` a
// damaged packet of CHECKSUM_PARTIAL would arrive and be taken for whole.
struct CorruptFault {
    static constexpr const char* kind = "corrupt";
    static constexpr bool on_the_delay_line = true;  // always
    Match match;
    Choice choice;
};

}  // namespace blackstart
