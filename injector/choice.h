// Which of the packets that match are hit, for the kinds that hit a share of them.
#pragma once

#include <cstdint>

#include "injector/bpf/loss.h"

namespace blackstart {

struct Terms;

// By chance, with `share`; in bursts, if `burst` is not 0; or every nth, if `every` is not 0. `share` or `every`, not both.
//
// What is counted is what the kernel hands to an interface. With segmentation offload that may be up to 64 KiB of a TCP
// stream, and is hit as a whole: a share of 1% hits 1% of the bytes, in fewer and larger pieces. `per_segment` counts it for as
// many trials as it makes packets on a wire: it is hit, still as a whole, if one of them is.
struct Choice {
    double share = 0;          // (0, 1], in the long run
    std::uint32_t every = 0;   // the last of each so many
    std::uint32_t burst = 0;   // Gilbert-Elliott: the mean length of the bad state, in packets; 0: no bursts
    double burst_share = 1.0;  // what is hit of the packets in the bad state, (share, 1]; none is in the good one
    bool per_segment = false;
};

// Throws Misuse for what cannot be: no share, a share over 100%, bursts that cannot be that short.
void check(const Choice& choice);

// The choice as the program reads it; its share goes into `terms`. Throws Misuse.
::loss kernel_choice(const Choice& choice, Terms& terms);

}  // namespace blackstart
