/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/* How a packet travels to a helper device and back: compiled by the programs and by the injector.

   What stack.h keeps in `tc_index` does not survive a TAP, so on its way through the helper the packet carries the mask,
   and where it came from, in a VLAN tag of its own:

       bit 15     it was on its way in (else: on its way out)
       bits 14-8  the slot of its interface
       bits 7-0   the mask, with this fault's bit */
#ifndef BLACKSTART_HELPER_H
#define BLACKSTART_HELPER_H

#include <linux/types.h>

/* How long netem held a packet: `tc_index`, which survives a veth, carries the time at which it was sent off, in 2^clock_shift ns and
   modulo 2^16. Counted in 32 steps of each power of two, as in kernel/histogram.h. */
#define HELD_STEPS 32
#define HELD_COUNTS (HELD_STEPS * 12) /* of 16 bits */

#define HELPER_SLOTS 128
#define HELPER_PROTOCOL 0x88a8 /* 802.1ad, IEEE 802.1Q-2018 */
#define HELPER_INWARD 0x8000

struct helper {
    __u32 ifindex;            /* of the helper device in the target's namespace */
    __u32 slots;              /* how many of slot[] are used */
    __u32 clock_shift;        /* 0: not measured here */
    __u32 slot[HELPER_SLOTS]; /* the ifindexes of the target's interfaces */
};

#endif
