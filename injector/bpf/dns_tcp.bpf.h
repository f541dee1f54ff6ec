/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/* A query over TCP is not answered but refused: its segment becomes the RST that a server would send for it (with a delay alone it is
   held). A name's fault is so not dodged by asking again over TCP; queries for other names, even on the same connection, go on. */
#pragma once

#include "injector/bpf/dns_query.bpf.h"
#include "injector/bpf/tcp_write.bpf.h"

/* Finds the message in a segment: behind its length (RFC 1035 §4.2.2), or, where that came in a segment of its own, at the very
   beginning. One that goes on in the next segment is known by its count of questions, and its question has to be in this one.
   0: no message. */
static __always_inline int find_message(struct scratch* s, struct query* q, const struct packet* p) {
    const __u32 end = p->end < PACKET_MAX ? p->end : PACKET_MAX;
    if (end < p->payload + HEADER) return 0;
    const __u8* bytes = s->packet + AT(p->payload);
    const __u32 length = bpf_ntohs(half_at(bytes));
    const int whole = p->payload + 2 + length <= end;
    const int behind = length >= HEADER && (whole || half_at(bytes + 6) == bpf_htons(1));
    q->message = p->payload + (behind ? 2 : 0);
    q->end = behind && whole ? q->message + length : end;
    return 1;
}

static __always_inline void swap_in_packet(struct __sk_buff* skb, __u32 one, __u32 other, __u32 size) {
    __u8 first[16], second[16];
    if (bpf_skb_load_bytes(skb, one, first, size) < 0 || bpf_skb_load_bytes(skb, other, second, size) < 0) return;
    bpf_skb_store_bytes(skb, one, second, size, 0);
    bpf_skb_store_bytes(skb, other, first, size, 0);
}

/* Turns the segment into a RST from its receiver. Swapping ends changes no checksum. 0 if it could not, with nothing changed. */
static __always_inline int refuse(struct __sk_buff* skb, struct packet* p) {
    if (!tcp_become_reset(skb, p, p->ack)) return 0;
    if (p->l3) swap_in_packet(skb, 0, 6, 6);
    if (p->version == 4)
        swap_in_packet(skb, p->l3 + 12, p->l3 + 16, 4);
    else
        swap_in_packet(skb, p->l3 + 8, p->l3 + 24, 16);
    swap_in_packet(skb, p->l4, p->l4 + 2, 2);
    return 1;
}
