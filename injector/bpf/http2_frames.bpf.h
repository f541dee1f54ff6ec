/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/* One direction of an HTTP/2 connection, cut into frames (RFC 9113 §4.1) as its octets pass by, in their order. */
#pragma once

#include "injector/bpf/packet.bpf.h"

#define FRAME_HEAD 9
#define STEPS 8192 /* octets that are read, and frames, in one packet */
enum { FRAME_DATA = 0, FRAME_HEADERS = 1, FRAME_CONTINUATION = 9 };
enum { END_STREAM = 0x01, END_HEADERS = 0x04, PADDED = 0x08, PRIORITY = 0x20 };

struct frames {
    __u32 next; /* sequence number of the next octet to be read */
    __u32 have; /* octets of the next head that came in earlier packets */
    __u32 length, stream;
    __u32 left; /* of a frame that is read: octets to come, without `pad` */
    __u32 pad;
    __u8 type, flags;
    __u8 part[FRAME_HEAD + 1];
};

/* What came before what precedes it: octets by their sequence number, and which of them are there. */
#define KEPT_OCTETS 65536
#define KEPT_PIECE 4096 /* copied at once */
#define KEPT_RANGES 8
struct range {
    __u32 seq, size;
};
struct kept {
    struct range ranges[KEPT_RANGES];
    __u8 octets[KEPT_OCTETS + KEPT_PIECE]; /* the verifier asks for room behind */
};

/* Octets of one direction: a packet's payload, or a range that was kept. */
struct reader {
    struct __sk_buff* skb;
    const struct packet* p;
    struct kept* kept; /* NULL: the packet's own */
    __u32 seq, size;
};

static __always_inline int has_next(const struct reader* r, const struct frames* f) { return f->next - r->seq < r->size; }

/* The octet at f->next, which is there; 0 if it cannot be read. */
static __always_inline int see_octet(const struct reader* r, const struct frames* f, __u8* octet) {
    __u32 offset = f->next - r->seq;
    if (r->kept) {
        *octet = r->kept->octets[f->next & (KEPT_OCTETS - 1)];
        return 1;
    }
    return bpf_skb_load_bytes(r->skb, r->p->payload + offset, octet, 1) == 0;
}

static __always_inline int missed(const struct packet* p, const struct frames* f) { return (__s32)(p->seq - f->next) > 0; }

static __always_inline void read_head(struct frames* f, const __u8* head) {
    f->length = (__u32)head[0] << 16 | (__u32)head[1] << 8 | head[2];
    f->type = head[3];
    f->flags = head[4];
    f->stream = ((__u32)head[5] & 0x7f) << 24 | (__u32)head[6] << 16 | (__u32)head[7] << 8 | head[8];
    f->have = 0;
    f->left = f->length;
    f->pad = 0;
}

/* Reads on in a head; 1 when it is whole. */
static __always_inline int take_head(struct reader* r, struct frames* f) {
    __u8 head[FRAME_HEAD] = {};
    __u32 have = f->have, offset = f->next - r->seq;
    if (have == 0 && !r->kept && offset + FRAME_HEAD <= r->size) {
        if (bpf_skb_load_bytes(r->skb, r->p->payload + offset, head, FRAME_HEAD) < 0) return 0;
        f->next += FRAME_HEAD;
        read_head(f, head);
        return 1;
    }
    asm volatile("" : "+r"(have));
    if (have >= FRAME_HEAD || !see_octet(r, f, head)) return 0;
    f->part[have] = head[0];
    f->have = have + 1;
    f->next++;
    if (f->have < FRAME_HEAD) return 0;
    read_head(f, f->part);
    return 1;
}

/* The octet before a padded frame's content (§6.1). */
static __always_inline void take_pad(struct frames* f, __u8 pad) {
    f->pad = pad < f->left ? pad : f->left;
    f->left -= f->pad;
}

static __always_inline void leave_out(struct frames* f, __u32 size) {
    size = size < f->left ? size : f->left;
    f->next += size;
    f->left -= size;
}
