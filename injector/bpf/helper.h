/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/* How a packet travels to a helper device and back, and how faults stack: compiled by the programs and by the injector.

   Each fault with a helper has one bit, each namespace one tag. `tc_index` = tag << 8 | mask says which faults a packet
   has been through; it does not survive a TAP, so on its way through the helper the packet carries the mask, and where
   it came from, in a VLAN tag of its own:

       bit 15     it was on its way in (else: on its way out)
       bits 14-8  the slot of its interface
       bits 7-0   the mask, with this fault's bit

   The mask only grows, so nothing loops; a packet is delayed once by each fault. */
#ifndef BLACKSTART_HELPER_H
#define BLACKSTART_HELPER_H

#include <linux/types.h>

#define HELPER_SLOTS 128
#define HELPER_PROTOCOL 0x88a8 /* 802.1ad, IEEE 802.1Q-2018 */
#define HELPER_INWARD 0x8000

struct helper {
    __u32 ifindex;            /* of the helper device in the target's namespace */
    __u8 tag;                 /* 1..255: 0 is what every other packet has */
    __u8 bit;                 /* one bit set */
    __u16 slots;              /* how many of slot[] are used */
    __u32 slot[HELPER_SLOTS]; /* the ifindexes of the target's interfaces */
};

#endif
