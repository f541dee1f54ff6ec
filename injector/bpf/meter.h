/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/* A meter as its program reads it (.rodata): compiled by kernel and user space. */
#ifndef BLACKSTART_METER_BPF_H
#define BLACKSTART_METER_BPF_H

#include <linux/types.h>

#define METER_PORTS 64

enum meter_count { METER_PACKETS, METER_CONNECTIONS, METER_DNS_QUERIES, METER_HTTP_REQUESTS };

struct meter {
    __u32 count;             /* enum meter_count */
    __u32 tag;               /* of the namespace (helper.h): what has been through a helper there was counted before */
    __u32 ports;             /* 0: any */
    __u16 port[METER_PORTS]; /* host byte order; of either end for packets, else of the destination */
};

#endif
