/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/* A query over TCP is not answered but refused: its segment becomes the RST that a server would send for it (with a delay alone it is
   held). A name's fault is so not dodged by asking again over TCP; queries for other names go on, even on the same connection, unless
   they share a segment with it: glibc asks for A and AAAA in one. */
#pragma once

#include "injector/bpf/dns_query.bpf.h"
#include "injector/bpf/tcp_write.bpf.h"

#define WINDOW 512            /* octets of a message that are read: its length, its header, the longest question */
#define SEGMENT_MESSAGES 2048 /* that are looked at: 64 KiB hold no more */

struct segment {
    struct __sk_buff* skb;
    struct scratch* s;
    __u64 wanted;
};

/* Where the message that begins at q->next is in the part of it that was read: behind its length (RFC 1035 §4.2.2), or, where that came
   in a segment of its own, at the very beginning. One that goes on in the next segment is known by its count of questions, and its
   question has to be in this one. */
static __always_inline void find_message(const __u8* bytes, struct query* q, __u32 left, __u32 size, int first) {
    const __u32 length = bpf_ntohs(half_at(bytes));
    const int whole = 2 + length <= left;
    const int behind = length >= HEADER && (whole || !first || half_at(bytes + 6) == bpf_htons(1));
    q->message = behind ? 2 : 0;
    q->end = behind && 2 + length < size ? 2 + length : size;
    q->next = behind && whole ? q->next + 2 + length : 0;
}

/* Little is known across the reading but what lies in memory, or the verifier would follow each way through it apart. */
static long next_message(__u32 i, void* context) {
    struct segment* segment = context;
    struct query* q = &segment->s->query;
    const __u32 at = q->next, left = segment->s->parsed.end - at;
    const __u32 size = left < WINDOW ? left : WINDOW;
    if (at == 0 || left < HEADER || bpf_skb_load_bytes(segment->skb, at, segment->s->packet, SIZE(size)) < 0) return 1;
    find_message(segment->s->packet, q, left, size, i == 0);
    segment->wanted = read_query(segment->s) == WANTED;
    return segment->wanted != 0;
}

/* Whether one of the segment's messages is a query that is asked for: the first such is the one that was read. */
static __always_inline int holds_query(struct __sk_buff* skb, struct scratch* s) {
    struct segment segment = {.skb = skb, .s = s};
    s->query.next = s->parsed.payload;
    bpf_loop(SEGMENT_MESSAGES, next_message, &segment, 0);
    return segment.wanted != 0;
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
