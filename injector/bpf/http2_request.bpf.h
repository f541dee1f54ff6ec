/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/* What a client says in HTTP/2 (RFC 9113): which of its streams are checks. */
#pragma once

#include "injector/bpf/http2_connection.bpf.h"

#define UPGRADED_STREAM 1 /* of the request that asked for HTTP/2 in the words of HTTP/1.1 */
#define PREFACE 24
const volatile char preface[PREFACE + 1] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"; /* RFC 9113 §3.4 */

static __always_inline void lose(struct connection* c) {
    c->request_mode = LOST;
    COUNT(unseen);
}

static __always_inline void check_begins(struct conversation* v, __u32 id) {
    struct stream stream = {.state = first_state(v->reader.skb, v->direction, &v->key.flow)};
    if (stream.state == PASSED) return;
    v->key.stream = id;
    if (bpf_map_update_elem(&streams, &v->key, &stream, BPF_ANY) < 0) COUNT(unseen);
}

/* A whole header block. Trailers come on a stream that is known (§8.1). */
static __always_inline void request_ends(struct conversation* v) {
    struct connection* c = v->c;
    struct frames* f = &c->requests;
    if (f->stream <= c->last_stream) return;
    c->last_stream = f->stream;
    if ((c->block.got & hpack.wanted) == hpack.wanted && from_checker(v->reader.p)) check_begins(v, f->stream);
}

/* When nothing of a frame's block is left. */
static __always_inline void request_frame_ends(struct conversation* v) {
    struct frames* f = &v->c->requests;
    if (f->left > 0) return;
    v->c->request_mode = AT_FRAME;
    f->next += f->pad;
    if (f->flags & END_HEADERS) request_ends(v);
}

static __always_inline void request_frame_begins(struct conversation* v) {
    struct connection* c = v->c;
    struct frames* f = &c->requests;
    if (f->type == FRAME_HEADERS) {
        c->block.got = c->block.mode = 0;
        c->request_mode = f->flags & PADDED ? AT_PAD : IN_BLOCK;
        if (!(f->flags & PADDED) && f->flags & PRIORITY) leave_out(f, 5);
        if (!(f->flags & PADDED)) request_frame_ends(v);
    } else if (f->type == FRAME_CONTINUATION) {
        c->request_mode = IN_BLOCK;
        request_frame_ends(v);
    } else {
        leave_out(f, f->left);
    }
}

static __always_inline void request_octet(struct conversation* v, __u8 octet) {
    struct connection* c = v->c;
    struct frames* f = &c->requests;
    if (c->request_mode == IN_PREFACE) {
        __u32 n = f->have;
        f->have = n + 1;
        if (n >= PREFACE || octet != preface[n]) {
            not_http2(v, UPGRADED_STREAM);
        } else if (n + 1 == PREFACE) {
            c->request_mode = AT_FRAME;
            f->have = 0;
        }
        return;
    }
    f->left--;
    if (c->request_mode == AT_PAD) {
        take_pad(f, octet);
        c->request_mode = IN_BLOCK;
        if (f->flags & PRIORITY) leave_out(f, 5);
    } else if (!hpack_take(&c->block, octet)) {
        lose(c);
        return;
    } else {
        __u32 idle = hpack_idle(&c->block);
        if (idle > f->left) idle = f->left;
        c->block.number -= idle;
        leave_out(f, idle);
    }
    request_frame_ends(v);
}

static long request_step(__u32 index, struct conversation* v) {
    struct connection* c = v->c;
    struct frames* f = &c->requests;
    __u8 octet = 0;
    if (!has_next(&v->reader, f) || c->request_mode >= OTHER) return 1;
    if (c->request_mode == AT_FRAME) {
        if (take_head(&v->reader, f)) request_frame_begins(v);
        return 0;
    }
    if (!see_octet(&v->reader, f, &octet)) return 1;
    f->next++;
    request_octet(v, octet);
    return 0;
}

static __always_inline struct kept* kept_of(const struct flow_key* key) {
    const __u32 zero = 0;
    struct kept* known = bpf_map_lookup_elem(&kept, key);
    const struct kept* none = known ? NULL : bpf_map_lookup_elem(&nothing_kept, &zero);
    if (none && bpf_map_update_elem(&kept, key, none, BPF_ANY) == 0) known = bpf_map_lookup_elem(&kept, key);
    return known;
}

static long copy_piece(__u32 index, struct conversation* v) {
    __u32 left = v->reader.size - v->copied, at = (v->reader.seq + v->copied) & (KEPT_OCTETS - 1), room = KEPT_OCTETS - at;
    if (left == 0) return 1;
    if (left > room) left = room;
    /* as in http1.bpf.h: one less, for the verifier of Linux 6.1 */
    __u32 more = (left < KEPT_PIECE ? left : KEPT_PIECE) - 1;
    asm volatile("" : "+r"(more));
    if (more >= KEPT_PIECE) return 1;
    if (bpf_skb_load_bytes(v->reader.skb, v->reader.p->payload + v->copied, v->kept->octets + at, more + 1) < 0) return 1;
    v->copied += more + 1;
    return 0;
}

/* Makes a range longer, or takes the place of one that has had its turn; 0 if there is none. */
static __always_inline int note_range(struct kept* all, __u32 next, __u32 seq, __u32 size) {
    struct range* free = NULL;
    for (__u32 i = 0; i < KEPT_RANGES; i++) {
        struct range* one = &all->ranges[i];
        __u32 behind = seq - one->seq, before = one->seq - seq;
        if ((__s32)(one->seq + one->size - next) <= 0 || one->size == 0) {
            free = one;
        } else if (behind <= one->size) {
            if (behind + size > one->size) one->size = behind + size;
            return 1;
        } else if (before <= size) {
            one->size = before + one->size > size ? before + one->size : size;
            one->seq = seq;
            return 1;
        }
    }
    if (free == NULL) return 0;
    free->seq = seq;
    free->size = size;
    return 1;
}

/* Keeps what came before its turn; 0 if there is no room. */
static __always_inline int keep(struct conversation* v) {
    const struct reader* r = &v->reader;
    __u32 next = v->c->requests.next;
    v->kept = kept_of(&v->key.flow);
    if (!v->kept || r->seq + r->size - next > KEPT_OCTETS) return 0;
    bpf_loop(KEPT_OCTETS / KEPT_PIECE + 2, copy_piece, v, 0);
    return v->copied == r->size && note_range(v->kept, next, r->seq, r->size);
}

/* Reads on in what was kept, as far as it goes on without a gap. */
static long kept_step(__u32 index, struct conversation* v) {
    const struct range* one = &v->kept->ranges[index % KEPT_RANGES];
    if (v->c->requests.next - one->seq >= one->size) return 0;
    v->reader.kept = v->kept;
    v->reader.seq = one->seq;
    v->reader.size = one->size;
    bpf_loop(KEPT_OCTETS, request_step, v, 0);
    return 0;
}

static __always_inline void read_requests(struct conversation* v) {
    if (missed(v->reader.p, &v->c->requests)) {
        if (!keep(v)) lose(v->c);
        return;
    }
    bpf_loop(STEPS, request_step, v, 0);
    v->kept = bpf_map_lookup_elem(&kept, &v->key.flow);
    if (v->kept) bpf_loop(KEPT_RANGES * KEPT_RANGES, kept_step, v, 0);
}
