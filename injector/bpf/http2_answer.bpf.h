/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/* What a server says in HTTP/2: where an answer says how it went, and how that is changed without changing its length or the
   dynamic table, which the answers to others share. */
#pragma once

#include "injector/bpf/http2_connection.bpf.h"

#define SHOWS_PASS (health.result == HEALTH_PASS)

/* How a status was read so far (struct stream): entries 8 to 14 of the static table are named :status. */
enum {
    STATUS_FIELD,
    STATUS_RESIZED, /* in a size update of more than one octet, which may come first (RFC 7541 §4.2) */
    STATUS_LENGTH,  /* a literal, not inserted */
    STATUS_INSERTED,
    STATUS_DIGITS, /* the first of three */
    STATUS_SECOND,
    STATUS_THIRD,
    STATUS_UNKNOWN, /* only whether it is an interim one */
    STATUS_UNKNOWN_HUFFMAN,
};

/* The message of grpc.health.v1 (grpc/health/v1/health.proto) in its frame of five octets: 00 00000002 08, and the status. */
#define MESSAGE_LENGTH 4
#define MESSAGE_STATUS 6
#define GRPC_MOST 3 /* SERVICE_UNKNOWN */

static __always_inline void answered(struct conversation* v, struct stream* s) {
    s->state = PASSED;
    leave_out(&v->a->frames, v->a->frames.left);
}

static __always_inline void cannot_tell(struct conversation* v, struct stream* s) {
    give_up(&s->state);
    answered(v, s);
}

static __always_inline void show(struct conversation* v, struct stream* s, __u8 was, __u8 now) {
    if (was == now || !lasting(bpf_ktime_get_ns())) return; /* as asked already: not our doing, not a hit */
    plan(v->c, v->a->frames.next - 1, was, now, s->state == CHOSEN);
    s->state = ACTED;
}

static __always_inline void status_indexed(struct conversation* v, struct stream* s, __u8 octet) {
    __u32 index = octet & 0x7f;
    if (index == 0x7f || (index > 14 && index <= HPACK_STATIC) || index < 8) {
        cannot_tell(v, s);
        return;
    }
    if (!SHOWS_PASS || index < 8 || index > 10) show(v, s, octet, hpack.now);
    answered(v, s);
}

static __always_inline void status_field(struct conversation* v, struct stream* s, __u8 octet) {
    __u32 index = octet & 0x0f;
    if (octet & 0x80)
        status_indexed(v, s, octet);
    else if ((octet & 0xe0) == 0x20)
        s->at = (octet & 0x1f) == 0x1f ? STATUS_RESIZED : STATUS_FIELD;
    else if (index >= 8 && index <= 14 && (octet & 0xf0) <= 0x10)
        s->at = STATUS_LENGTH;
    else if (index >= 8 && index <= 14 && (octet & 0xf0) == 0x40)
        s->at = STATUS_INSERTED;
    else
        cannot_tell(v, s);
}

/* The final one is still to come, in a block of its own. */
static __always_inline void interim(struct conversation* v, struct stream* s) {
    s->at = STATUS_FIELD;
    leave_out(&v->a->frames, v->a->frames.left);
}

static __always_inline void status_digit(struct conversation* v, struct stream* s, __u8 octet) {
    __u32 n = s->at - STATUS_DIGITS;
    asm volatile("" : "+r"(n)); /* else the compiler knows that it is below 3, and Linux 6.1 does not */
    if (n == 0 && octet == '1') {
        interim(v, s);
    } else if (n == 0 && SHOWS_PASS && octet == '2') {
        answered(v, s);
    } else if (n < 3) {
        show(v, s, octet, health.shown[n]);
        s->at++;
        if (n == 2) answered(v, s);
    }
}

static __always_inline void status_octet(struct conversation* v, struct stream* s, __u8 octet) {
    if (s->at == STATUS_FIELD)
        status_field(v, s, octet);
    else if (s->at == STATUS_RESIZED)
        s->at = octet & 0x80 ? STATUS_RESIZED : STATUS_FIELD;
    else if (s->at == STATUS_LENGTH)
        s->at = octet == 3 ? STATUS_DIGITS : octet & 0x80 ? STATUS_UNKNOWN_HUFFMAN : STATUS_UNKNOWN;
    else if (s->at == STATUS_INSERTED)
        s->at = octet & 0x80 ? STATUS_UNKNOWN_HUFFMAN : STATUS_UNKNOWN;
    else if (s->at <= STATUS_THIRD)
        status_digit(v, s, octet);
    else if (s->at == STATUS_UNKNOWN ? octet == '1' : octet >> 3 == 1) /* 00001 is the Huffman code of 1 */
        interim(v, s);
    else
        cannot_tell(v, s);
}

static __always_inline void message_octet(struct conversation* v, struct stream* s, __u8 octet) {
    __u32 at = s->at++;
    if (at == MESSAGE_STATUS) {
        s->at = 0;
        if (octet == 0 || octet > GRPC_MOST)
            cannot_tell(v, s);
        else if (SHOWS_PASS || octet == 1)
            show(v, s, octet, hpack.now);
        return;
    }
    if (at == MESSAGE_LENGTH && octet == 0) { /* UNKNOWN: the default is not sent */
        s->at = 0;
        if (SHOWS_PASS) cannot_tell(v, s);
        return;
    }
    __u8 wanted = at < MESSAGE_LENGTH ? 0 : at == MESSAGE_LENGTH ? 2 : 8;
    if (octet != wanted) cannot_tell(v, s);
}

static __always_inline void answer_frame_ends(struct conversation* v, struct stream* s) {
    struct frames* f = &v->a->frames;
    if (f->left > 0) return;
    v->a->mode = BETWEEN;
    f->next += f->pad;
    if (!(f->flags & END_STREAM)) return;
    if (s) give_up(&s->state);
    bpf_map_delete_elem(&streams, &v->key);
}

/* From this frame on the connection is held or ended. */
static __always_inline void cut_here(struct conversation* v, struct stream* s) {
    struct connection* c = v->c;
    int over = health.result == HEALTH_SLOW && c->cut_state == ACTED && bpf_ktime_get_ns() >= c->held_until;
    if (s->state == CHOSEN && (c->cut_state == PASSED || over)) {
        c->cut = v->a->frames.next - FRAME_HEAD;
        c->cut_state = CHOSEN;
    } else {
        acted(&s->state);
    }
    answered(v, s);
}

static __always_inline void answer_frame_begins(struct conversation* v) {
    struct frames* f = &v->a->frames;
    struct stream* s = NULL;
    v->key.stream = f->stream;
    if ((f->type == FRAME_DATA || f->type == FRAME_HEADERS) && f->stream) s = bpf_map_lookup_elem(&streams, &v->key);
    if (s) decide_at_answer(v->reader.skb, v->direction, &s->state, &v->key.flow);
    if (s && (s->state == CHOSEN || s->state == ACTED)) {
        if (HOLDS) {
            cut_here(v, s);
        } else if (f->type == (health.protocol == HEALTH_GRPC ? FRAME_DATA : FRAME_HEADERS)) {
            v->a->mode = f->flags & PADDED ? BEFORE_CONTENT : IN_CONTENT;
        }
    }
    if (v->a->mode == BETWEEN) leave_out(f, f->left);
    if (f->left == 0 && s) answer_frame_ends(v, s);
}

/* Where reading begins anew: no frame begins like this but by a rare chance. */
static __always_inline int plausible(const struct connection* c, const struct frames* f) {
    return f->type <= FRAME_CONTINUATION && f->length <= 16384 && (f->stream == 0 || (f->stream & 1 && f->stream <= c->last_stream));
}

static __always_inline void answer_octet(struct conversation* v, __u8 octet) {
    struct frames* f = &v->a->frames;
    v->key.stream = f->stream;
    struct stream* s = bpf_map_lookup_elem(&streams, &v->key);
    f->left--;
    if (v->a->mode == BEFORE_CONTENT) {
        take_pad(f, octet);
        v->a->mode = IN_CONTENT;
    } else if (!s) {
        leave_out(f, f->left);
    } else if (health.protocol == HEALTH_GRPC) {
        message_octet(v, s, octet);
    } else {
        status_octet(v, s, octet);
    }
    answer_frame_ends(v, s);
}

static long answer_step(__u32 index, struct conversation* v) {
    struct frames* f = &v->a->frames;
    __u8 octet = 0;
    if (!has_next(&v->reader, f)) return 1;
    if (v->a->mode == BETWEEN) {
        if (!take_head(&v->reader, f)) return 0;
        if (v->a->adrift && !plausible(v->c, f)) {
            f->next = v->reader.seq + v->reader.size;
            return 1;
        }
        v->a->adrift = 0;
        answer_frame_begins(v);
        return 0;
    }
    if (!see_octet(&v->reader, f, &octet)) return 1;
    f->next++;
    answer_octet(v, octet);
    return 0;
}

static __always_inline void drift_to(struct answers* a, __u32 seq) {
    a->frames.next = seq;
    a->frames.have = 0;
    a->mode = BETWEEN;
    a->adrift = 1;
}

/* Those in order; and those that came before their turn, from the first of them that begins like a frame: the client keeps them
   until the gap is closed, and they would go by unread. */
static __always_inline void read_answers(struct conversation* v) {
    struct connection* c = v->c;
    int early = missed(v->reader.p, &c->answers[0].frames);
    if (early && (!c->ahead || missed(v->reader.p, &c->answers[1].frames))) {
        if (!c->ahead) c->ahead_begins = v->reader.seq;
        c->ahead = 1;
        drift_to(&c->answers[1], v->reader.seq);
    }
    v->a = early ? &c->answers[1] : &c->answers[0];
    bpf_loop(STEPS, answer_step, v, 0);
    if (!c->ahead || (__s32)(c->answers[0].frames.next - c->ahead_begins) < 0) return;
    if ((__s32)(c->answers[1].frames.next - c->answers[0].frames.next) > 0) c->answers[0] = c->answers[1];
    c->ahead = 0;
}
