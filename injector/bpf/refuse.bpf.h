/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/* A packet becomes its own refusal, in place: a RST (RFC 9293 §3.10.7.1) or an ICMP unreachable (RFC 792, RFC 4443 §3.1), on its
   way back to the sender. */
#pragma once

#include "injector/bpf/tcp_write.bpf.h"

#define REFUSAL_TTL 64
#define TCP_FIN 0x01
#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_ACK 0x10

/* linux/icmp.h and linux/icmpv6.h cannot be included for the BPF machine. */
#define ICMP_UNREACHABLE 3
#define ICMP_UNREACHABLE_HOST 1
#define ICMP_UNREACHABLE_PORT 3
#define ICMP_ECHO_REQUEST 8
#define ICMP6_UNREACHABLE 1
#define ICMP6_UNREACHABLE_ADDRESS 3
#define ICMP6_UNREACHABLE_PORT 4
#define ICMP6_ECHO_REQUEST 128

struct icmp_header {
    __u8 type, code;
    __u16 checksum;
    __u32 unused;
};

/* A sum that hardware made over the packet as it arrived (CHECKSUM_COMPLETE) would be wrong: a packet that has grown has none. */
static __always_inline int forget_hardware_sum(struct __sk_buff* skb, int direction) {
    return direction == EGRESS || bpf_csum_update(skb, 0) < 0 || bpf_skb_change_tail(skb, skb->len + 1, 0) == 0;
}

static __always_inline void swap_macs(struct __sk_buff* skb, const struct packet* p) {
    __u8 was[12], now[12];
    if (p->l3 == 0 || bpf_skb_load_bytes(skb, 0, was, sizeof was) < 0) return;
    __builtin_memcpy(now, was + 6, 6);
    __builtin_memcpy(now + 6, was, 6);
    bpf_skb_store_bytes(skb, 0, now, sizeof now, 0);
}

/* Source and destination change places, which no checksum notices, and the packet starts its life anew. */
static __always_inline void swap_ends(struct __sk_buff* skb, const struct packet* p) {
    __u8 addresses[32];
    __be16 life = 0;
    swap_macs(skb, p);
    if (p->version == 4) {
        if (bpf_skb_load_bytes(skb, p->l3 + 12, addresses, 8) < 0) return;
        bpf_skb_store_bytes(skb, p->l3 + 12, addresses + 4, 4, 0);
        bpf_skb_store_bytes(skb, p->l3 + 16, addresses, 4, 0);
        bpf_skb_load_bytes(skb, p->l3 + 8, &life, 2);
        __be16 renewed = bpf_htons(REFUSAL_TTL << 8 | p->protocol);
        bpf_l3_csum_replace(skb, p->l3 + 10, life, renewed, 2);
        bpf_skb_store_bytes(skb, p->l3 + 8, &renewed, 2, 0);
        return;
    }
    __u8 hops = REFUSAL_TTL;
    if (bpf_skb_load_bytes(skb, p->l3 + 8, addresses, 32) < 0) return;
    bpf_skb_store_bytes(skb, p->l3 + 8, addresses + 16, 16, 0);
    bpf_skb_store_bytes(skb, p->l3 + 24, addresses, 16, 0);
    bpf_skb_store_bytes(skb, p->l3 + 7, &hops, 1, 0);
}

/* What a closed port answers to this segment. `p` is as it was before. */
static __always_inline void answer_header(const struct packet* p, struct tcphdr* tcp) {
    __u32 taken = p->end - p->payload + (p->tcp_flags & TCP_SYN ? 1 : 0) + (p->tcp_flags & TCP_FIN ? 1 : 0);
    int acknowledges = p->tcp_flags & TCP_ACK;
    tcp->source = bpf_htons(p->destination_port);
    tcp->dest = bpf_htons(p->source_port);
    tcp->seq = acknowledges ? bpf_htonl(p->ack) : 0;
    tcp->ack_seq = acknowledges ? 0 : bpf_htonl(p->seq + taken);
    ((__u8*)tcp)[13] = acknowledges ? TCP_RST : TCP_RST_ACK;
}

/* The segment becomes the RST that answers it, with its ends swapped. Returns 0 where that cannot be done. */
static __always_inline int tcp_become_answer(struct __sk_buff* skb, struct packet* p) {
    struct tcphdr tcp;
    if (!tcp_cut(skb, p, &tcp)) return 0;
    answer_header(p, &tcp);
    tcp_put(skb, p, &tcp);
    swap_ends(skb, p);
    return 1;
}

static __always_inline __u16 folded_sum(__s64 sum) {
    __u32 folded = ((__u32)sum & 0xffff) + ((__u32)sum >> 16);
    return (__u16) ~((folded & 0xffff) + (folded >> 16));
}

struct unreachable4 {
    struct iphdr ip;
    struct icmp_header icmp;
    struct iphdr about;
    __u8 begins[8];
};

/* The checksum of UDP or TCP that would be filled in later (CHECKSUM_PARTIAL) lands in a field that is 0 and sums to 0. */
static __always_inline int unreachable4(struct __sk_buff* skb, const struct packet* p, __u8 code) {
    struct unreachable4 m = {};
    if (p->l4 != p->l3 + sizeof m.ip || p->end < p->l4 + sizeof m.begins) return 0;
    if (bpf_skb_load_bytes(skb, p->l3, &m.about, sizeof m.about + sizeof m.begins) < 0) return 0;
    if (bpf_skb_change_tail(skb, p->l3 + sizeof m, 0) < 0) return 0;
    m.ip.version = 4;
    m.ip.ihl = 5;
    m.ip.tot_len = bpf_htons(sizeof m);
    m.ip.ttl = REFUSAL_TTL;
    m.ip.protocol = IPPROTO_ICMP;
    m.ip.saddr = m.about.daddr;
    m.ip.daddr = m.about.saddr;
    m.ip.check = folded_sum(bpf_csum_diff(0, 0, (__be32*)&m.ip, sizeof m.ip, 0));
    m.icmp.type = ICMP_UNREACHABLE;
    m.icmp.code = code;
    m.icmp.checksum = folded_sum(bpf_csum_diff(0, 0, (__be32*)&m.icmp, sizeof m - sizeof m.ip, 0));
    swap_macs(skb, p);
    return bpf_skb_store_bytes(skb, p->l3, &m, sizeof m, 0) == 0;
}

struct unreachable6 {
    struct ipv6hdr ip;
    struct icmp_header icmp;
    struct ipv6hdr about;
    __u8 begins[8];
};

static __always_inline int unreachable6(struct __sk_buff* skb, const struct packet* p, __u8 code) {
    struct unreachable6 m = {};
    const __u32 size = sizeof m - sizeof m.ip;
    __be32 pseudo[2] = {bpf_htonl(size), bpf_htonl(IPPROTO_ICMPV6)};
    if (p->l4 != p->l3 + sizeof m.ip || p->end < p->l4 + sizeof m.begins) return 0;
    if (bpf_skb_load_bytes(skb, p->l3, &m.about, sizeof m.about + sizeof m.begins) < 0) return 0;
    if (bpf_skb_change_tail(skb, p->l3 + sizeof m, 0) < 0) return 0;
    m.ip.version = 6;
    m.ip.payload_len = bpf_htons(size);
    m.ip.nexthdr = IPPROTO_ICMPV6;
    m.ip.hop_limit = REFUSAL_TTL;
    m.ip.saddr = m.about.daddr;
    m.ip.daddr = m.about.saddr;
    m.icmp.type = ICMP6_UNREACHABLE;
    m.icmp.code = code;
    __s64 sum = bpf_csum_diff(0, 0, (__be32*)&m.ip.saddr, 32, 0);
    sum = bpf_csum_diff(0, 0, pseudo, sizeof pseudo, (__u32)sum);
    m.icmp.checksum = folded_sum(bpf_csum_diff(0, 0, (__be32*)&m.icmp, size, (__u32)sum));
    swap_macs(skb, p);
    return bpf_skb_store_bytes(skb, p->l3, &m, sizeof m, 0) == 0;
}

/* Never about an ICMP error (RFC 1122 §3.2.2, RFC 4443 §2.4): of ICMP only an echo request is answered. */
static __always_inline int become_unreachable(struct __sk_buff* skb, const struct packet* p) {
    int udp = p->protocol == IPPROTO_UDP;
    if (p->protocol == IPPROTO_ICMP && p->icmp_type != ICMP_ECHO_REQUEST) return 0;
    if (p->protocol == IPPROTO_ICMPV6 && p->icmp_type != ICMP6_ECHO_REQUEST) return 0;
    if (p->version == 4) return unreachable4(skb, p, udp ? ICMP_UNREACHABLE_PORT : ICMP_UNREACHABLE_HOST);
    return unreachable6(skb, p, udp ? ICMP6_UNREACHABLE_PORT : ICMP6_UNREACHABLE_ADDRESS);
}

/* To the sender: on `lo` it goes on as it is, and arrives there. */
static __always_inline int send_back(struct __sk_buff* skb, int direction) {
    if (skb->ifindex == LOOPBACK_IFINDEX) return NEXT;
    return (int)bpf_redirect(skb->ifindex, direction == EGRESS ? BPF_F_INGRESS : 0);
}
