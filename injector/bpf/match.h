/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/* Which packets a network fault is for: compiled by its program and by injector/match.cpp. */
#ifndef BLACKSTART_MATCH_H
#define BLACKSTART_MATCH_H

#include "injector/bpf/dns.h"

#define MATCH_CIDRS 64   /* a list of up to so many is read through; of a longer one hashes are looked up */
#define MATCH_LENGTHS 32 /* different prefix lengths of a long list */
#define MATCH_PORTS 64
#define MATCH_SPARED 32

/* An address belongs to it if match_holds(). IPv4 as ::ffff:a.b.c.d; network byte order, as two words. */
struct cidr {
    __u64 net[2];
    __u64 mask[2];
};

/* IPv4 lies within IPv6 here, at ::ffff:0:0/96: a network that is wider is one of IPv6, and no IPv4 address belongs to it, not even to
   ::/0. Little-endian hosts. */
static inline int match_family(const volatile __u64* mask, const __u64* address) {
    return (__u32)mask[1] == 0xffffffff || address[0] != 0 || (__u32)address[1] != 0xffff0000;
}

static inline int match_holds(const volatile struct cidr* cidr, const __u64* address) {
    return (address[0] & cidr->mask[0]) == cidr->net[0] && (address[1] & cidr->mask[1]) == cidr->net[1] &&
           match_family(cidr->mask, address);
}

/* The masks of a long list. */
struct lengths {
    __u32 count;
    __u32 pad;
    __u64 mask[MATCH_LENGTHS][2];
};

/* A network of a long list, never 0. `list` as in observe.h, `length` is its mask's place. Networks are not kept: one that is not listed
   is taken for one that is by one chance in 2^63. */
static inline __u64 match_hash(__u32 list, __u32 length, __u64 one, __u64 other) {
    return dns_fold(dns_fold(dns_fold(0, list << 8 | length), one), other) | 1;
}

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
    __u32 names;             /* host names are among the peers: observe.h */
    __u32 many_mask;         /* buckets of the long lists, a power of two, less one */
    __u16 port[MATCH_PORTS]; /* host byte order */
    __u32 ways;              /* 1 << EGRESS, 1 << INGRESS: what is asked of `lo`, where all is seen as it leaves */
    struct cidr to_cidr[MATCH_CIDRS];
    struct cidr from_cidr[MATCH_CIDRS];
    struct spared spared_flow[MATCH_SPARED];
    struct lengths to_lengths;
    struct lengths from_lengths;
};

#endif
