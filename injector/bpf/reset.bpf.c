/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/* Open TCP connections that match are reset: the next segment becomes a RST to each of the two ends. */
#include "injector/bpf/network.bpf.h"
#include "injector/bpf/refuse.bpf.h"

/* The same for both directions of a connection, so that one draw decides for all of its segments. */
static __always_inline __u64 number_of(const struct packet* p) {
    const __u64 *source = (const __u64*)p->source, *destination = (const __u64*)p->destination;
    __u64 addresses = (source[0] ^ destination[0]) * 0x9e3779b97f4a7c15ULL + (source[1] ^ destination[1]);
    return addresses * 31 + (__u64)(p->source_port ^ p->destination_port) * 65537 + p->source_port + p->destination_port;
}

/* Turns the answer to `p` round again, into an empty segment of the connection as it was. */
static __always_inline void turn_again(struct __sk_buff* skb, const struct packet* p) {
    __be16 ports[2] = {bpf_htons(p->source_port), bpf_htons(p->destination_port)};
    __be32 ack = bpf_htonl(p->ack);
    swap_ends(skb, p);
    bpf_skb_store_bytes(skb, p->l4, ports, sizeof ports, 0);
    bpf_skb_store_bytes(skb, p->l4 + __builtin_offsetof(struct tcphdr, ack_seq), &ack, sizeof ack, 0);
}

/* A copy of the RST that answers the segment goes back to its sender; what goes on is a RST to the receiver. */
static __always_inline int reset_both(struct __sk_buff* skb, struct packet* p, int direction) {
    if (!forget_hardware_sum(skb, direction) || !tcp_become_answer(skb, p)) return 0;
    note_been_through(skb);
    bpf_clone_redirect(skb, skb->ifindex, skb->ifindex != LOOPBACK_IFINDEX && direction == EGRESS ? BPF_F_INGRESS : 0);
    turn_again(skb, p);
    p->end = p->payload = p->l4 + sizeof(struct tcphdr);
    return tcp_become_reset(skb, p, p->seq);
}

static __always_inline int act(struct __sk_buff* skb, __u32 l3, int direction) {
    struct packet p;
    if (!concerns(skb, l3, direction)) return NEXT;
    if (!parse(skb, l3, &p) || p.protocol != IPPROTO_TCP || p.tcp_flags & (TCP_SYN | TCP_RST)) return NEXT;
    if (!in_turn(COUNT(matched)) || !drawn(number_of(&p))) {
        note_been_through(skb);
        return NEXT;
    }
    if (reset_both(skb, &p, direction))
        COUNT(hits);
    else
        COUNT(unseen);
    return NEXT;
}

TC_PROGRAMS(act)
