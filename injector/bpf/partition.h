/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/* How a partition cuts: compiled by its program and by the injector. Fixed when loaded. */
#ifndef BLACKSTART_PARTITION_H
#define BLACKSTART_PARTITION_H

#include <linux/types.h>

enum partition_established {
    PARTITION_STALL, /* open connections stall: their packets are dropped as all others */
    PARTITION_KEEP,  /* open TCP connections go on: of TCP only packets with SYN are dropped */
    PARTITION_CUT,   /* open TCP connections are ended: the sender of their next segment is told RST */
};

struct partition {
    __u32 reject;      /* tell the sender: RST, or ICMP unreachable */
    __u32 established; /* enum partition_established */
};

#endif
