/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/* What every network fault asks of a packet: is it for me, and is it one that nobody may touch? */
#pragma once

#include "injector/bpf/match.h"
#include "injector/bpf/observe.bpf.h"
#include "injector/bpf/packet.bpf.h"

const volatile struct match match = {};

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1); /* set by the injection */
    __uint(map_flags, BPF_F_MMAPABLE);
    __type(key, __u32);
    __type(value, struct dns_bucket);
} many SEC(".maps");

/* All that matching looks at. */
struct ends {
    __u64 source[2]; /* as in struct cidr */
    __u64 destination[2];
    __u16 source_port; /* host byte order; 0 for other protocols than TCP and UDP */
    __u16 destination_port;
    __u8 protocol;
    __u8 fragment; /* the ports are not known */
};

static __always_inline void put_ip4(__u64* words, __be32 address) {
    __be32 half[2] = {bpf_htonl(0xffff), address};
    words[0] = 0;
    __builtin_memcpy(&words[1], half, sizeof half);
}

static __always_inline int has_ports(__u8 protocol) { return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP; }

enum seen { SEEN, NO_IP, UNSEEN };

/* Reads the ends from the linear head: parse() costs several times as much, and most packets are none of ours. UNSEEN where that
   is not enough (extension headers, options, a short head): ask parse(). */
static __always_inline enum seen see_ends(struct __sk_buff* skb, __u32 l3, struct ends* e) {
    void* data = (void*)(long)skb->data;
    void* end = (void*)(long)skb->data_end;
    struct udphdr* ports; /* TCP has its ports at the same place */
    __builtin_memset(e, 0, sizeof *e);
    if (skb->protocol == bpf_htons(ETH_P_IP)) {
        struct iphdr* ip = data + l3;
        if ((void*)(ip + 1) > end || ip->ihl != 5) return UNSEEN;
        put_ip4(e->source, ip->saddr);
        put_ip4(e->destination, ip->daddr);
        e->protocol = ip->protocol;
        e->fragment = (ip->frag_off & bpf_htons(IP_FRAGMENT)) != 0;
        ports = (void*)(ip + 1);
    } else if (skb->protocol == bpf_htons(ETH_P_IPV6)) {
        struct ipv6hdr* ip = data + l3;
        if ((void*)(ip + 1) > end) return UNSEEN;
        __builtin_memcpy(e->source, &ip->saddr, sizeof e->source);
        __builtin_memcpy(e->destination, &ip->daddr, sizeof e->destination);
        e->protocol = ip->nexthdr;
        ports = (void*)(ip + 1);
        if (e->protocol == 0 || e->protocol == 43 || e->protocol == 60) return UNSEEN;
        if (e->protocol == 44) { /* RFC 8200 §4.5: the next header is the first byte */
            if ((void*)(ports + 1) > end) return UNSEEN;
            e->protocol = *(__u8*)ports;
            e->fragment = 1;
        }
    } else {
        return NO_IP;
    }
    if (e->fragment || !has_ports(e->protocol)) return SEEN;
    if ((void*)(ports + 1) > end) return UNSEEN;
    e->source_port = bpf_ntohs(ports->source);
    e->destination_port = bpf_ntohs(ports->dest);
    return SEEN;
}

static __always_inline void ends_of(const struct packet* p, struct ends* e) {
    __builtin_memcpy(e->source, p->source, sizeof e->source);
    __builtin_memcpy(e->destination, p->destination, sizeof e->destination);
    e->source_port = p->source_port;
    e->destination_port = p->destination_port;
    e->protocol = p->protocol;
    e->fragment = 0;
}

static __always_inline int protocol_matches(const struct ends* e) {
    if (match.protocol == 0 || match.protocol == e->protocol) return 1;
    return match.protocol == IPPROTO_ICMP && e->protocol == IPPROTO_ICMPV6;
}

static __always_inline int port_matches(const struct ends* e) {
    if (match.ports == 0) return 1;
    if (!has_ports(e->protocol)) return 0;
    if (e->fragment) return 1; /* perhaps */
    for (__u32 i = 0; i < MATCH_PORTS && i < match.ports; i++)
        if (match.port[i] == e->source_port || match.port[i] == e->destination_port) return 1;
    return 0;
}

static __always_inline int in_bucket(__u32 bucket, __u64 hash) {
    const struct dns_bucket* found = bpf_map_lookup_elem(&many, &bucket);
    if (!found) return 0;
#pragma unroll
    for (int i = 0; i < DNS_BUCKET_SLOTS; i++)
        if (found->slot[i] == hash) return 1;
    return 0;
}

static __noinline int in_many(__u32 list, const __u64* address) {
    const volatile struct lengths* lengths = list == LIST_TO ? &match.to_lengths : &match.from_lengths;
    for (__u32 i = 0; i < MATCH_LENGTHS && i < lengths->count; i++) {
        if (!match_family(lengths->mask[i], address)) continue;
        const __u64 hash = match_hash(list, i, address[0] & lengths->mask[i][0], address[1] & lengths->mask[i][1]);
        if (in_bucket(dns_first_bucket(hash, match.many_mask), hash) || in_bucket(dns_second_bucket(hash, match.many_mask), hash)) return 1;
    }
    return 0;
}

static __always_inline int in_cidrs(const volatile struct cidr* cidrs, __u32 count, __u32 list, const __u64* address) {
    if (count == 0) return 1;
    if (count > MATCH_CIDRS && in_many(list, address)) return 1;
    for (__u32 i = 0; count <= MATCH_CIDRS && i < MATCH_CIDRS && i < count; i++)
        if (match_holds(&cidrs[i], address)) return 1;
    return match.names && is_observed(address, list);
}

static __always_inline int in_to(const __u64* address) { return in_cidrs(match.to_cidr, match.to, LIST_TO, address); }
static __always_inline int in_from(const __u64* address) { return in_cidrs(match.from_cidr, match.from, LIST_FROM, address); }

static __always_inline int is_flow(const __u64* from, __u16 from_port, const __u64* to, __u16 to_port, const volatile struct spared* flow) {
    return flow->one_port == from_port && flow->other_port == to_port && flow->one[0] == from[0] && flow->one[1] == from[1] &&
           flow->other[0] == to[0] && flow->other[1] == to[1];
}

/* Law 4: without these the host loses its neighbours, its address, or the person who runs us. ARP is not IP: it never gets here. */
static __always_inline int is_exempt(const struct packet* p, const struct ends* e) {
    /* RFC 4861: router and neighbour solicitation and advertisement, redirect */
    if (p->protocol == IPPROTO_ICMPV6) return p->icmp_type >= 133 && p->icmp_type <= 137;
    if (p->protocol == IPPROTO_UDP) {
        __u16 to = p->destination_port, from = p->source_port;
        /* RFC 2131, RFC 8415: of client and server, in both directions and between relays */
        return ((to == 67 || to == 68) && (from == 67 || from == 68)) || to == 546 || to == 547;
    }
    if (p->protocol != IPPROTO_TCP) return 0;
    for (__u32 i = 0; i < MATCH_SPARED && i < match.spared; i++) {
        const volatile struct spared* flow = &match.spared_flow[i];
        if (is_flow(e->source, e->source_port, e->destination, e->destination_port, flow) ||
            is_flow(e->destination, e->destination_port, e->source, e->source_port, flow))
            return 1;
    }
    return 0;
}

/* `ways`: 1 << EGRESS, 1 << INGRESS, or both: either will do. */
static __noinline int ends_match(const struct ends* e, int ways) {
    if (!protocol_matches(e) || !port_matches(e)) return 0;
    if (ways & 1 << EGRESS && in_to(e->destination) && in_from(e->source)) return 1;
    return ways & 1 << INGRESS && in_to(e->source) && in_from(e->destination);
}

/* Whether the packet, seen in one of these `ways`, is one that the fault is for. A fragment matches by its addresses and protocol; where
   ports are asked for it is passed, counted as unseen. */
static __always_inline int matches(struct __sk_buff* skb, __u32 l3, int ways) {
    struct ends e;
    enum seen seen = see_ends(skb, l3, &e);
    if (seen == NO_IP || (seen == SEEN && !ends_match(&e, ways))) return 0;
    if (seen == SEEN && e.fragment) {
        if (match.ports == 0) return 1;
        COUNT(unseen);
        return 0;
    }
    struct packet p;
    if (!parse(skb, l3, &p)) return 0;
    if (seen == UNSEEN) {
        ends_of(&p, &e);
        if (!ends_match(&e, ways)) return 0;
    }
    return !is_exempt(&p, &e);
}
