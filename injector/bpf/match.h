/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/* Which packets a network fault is for: compiled by its program and by injector/match.cpp. */
#ifndef BLACKSTART_MATCH_H
#define BLACKSTART_MATCH_H

#include <linux/types.h>

#define MATCH_CIDRS 64
#define MATCH_PORTS 64
#define MATCH_SPARED 32

/* An address belongs to it if (address & mask) == net. IPv4 as ::ffff:a.b.c.d; network byte order, as two words. */
struct cidr {
    __u64 net[2];
    __u64 mask[2];
};

/* A TCP connection that no network fault touches, whichever way its packets go. */
struct spared {
    __u64 one[2]; /* addresses as in struct cidr */
    __u64 other[2];
    __u16 one_port; /* host byte order */
    __u16 other_port;
    __u32 pad;
};

/* Each condition must hold; a count of 0 is no condition. */
struct match {
    __u32 protocol; /* IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP (ICMPv6 as well), or 0 */
    __u32 ports;    /* of TCP and UDP, either end */
    __u32 to;       /* the far end: destination of what leaves, source of what arrives */
    __u32 from;     /* the near end */
    __u32 spared;
    __u32 names; /* host names are among the peers: observe.h */
    __u32 pad;
    __u16 port[MATCH_PORTS]; /* host byte order */
    __u32 ways;              /* 1 << EGRESS, 1 << INGRESS: what is asked of `lo`, where all is seen as it leaves */
    struct cidr to_cidr[MATCH_CIDRS];
    struct cidr from_cidr[MATCH_CIDRS];
    struct spared spared_flow[MATCH_SPARED];
};

#endif
