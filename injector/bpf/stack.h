/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/* How network faults stack in one namespace: compiled by the programs and by the injector.

   Each network fault has one bit, each namespace one tag. `tc_index` = tag << 8 | mask says which faults have looked at a
   packet; each looks once, whatever way the packet takes: through a helper device and back (helper.h), as a duplicate, past
   `lo` on its way out and in. It survives a veth and a redirect, not a TAP. The mask only grows, so nothing loops. */
#ifndef BLACKSTART_STACK_H
#define BLACKSTART_STACK_H

#include <linux/types.h>

struct stack {
    __u8 tag; /* 1..255: 0 is what every other packet has */
    __u8 bit; /* one bit set */
    __u16 pad;
};

#endif
