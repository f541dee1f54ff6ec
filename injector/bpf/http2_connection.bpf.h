/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/* What is known of each HTTP/2 connection, and of the checks on it. */
#pragma once

#include "injector/bpf/check.bpf.h"
#include "injector/bpf/hpack.bpf.h"
#include "injector/bpf/http2_frames.bpf.h"

enum request_mode {
    IN_PREFACE,
    AT_FRAME,
    AT_PAD,
    IN_BLOCK,
    OTHER, /* speaks something else */
    LOST,  /* cannot be followed any more */
};

enum answer_mode { BETWEEN, BEFORE_CONTENT, IN_CONTENT };

struct answers {
    __u32 mode;   /* enum answer_mode */
    __u32 adrift; /* something was missed: the next packet that begins like a frame is where it goes on */
    struct frames frames;
};

/* An octet of an answer that becomes another, as often as it is sent. */
struct change {
    __u32 seq;
    __u8 was, now;
    __u8 valid;
    __u8 counts; /* the first of a check's answer that is written is a hit */
};

#define CHANGES 32

struct connection {
    __u32 request_mode;
    __u32 last_stream; /* the newest of the client's */
    struct frames requests;
    struct hpack_block block;

    __u32 answers_known; /* where they begin */
    __u32 upgrading;     /* they begin behind a 101 that is waited for */
    __u32 ahead;         /* what came before its turn is read, too, from `ahead_begins` on */
    __u32 ahead_begins;
    struct answers answers[2]; /* in their order; ahead of it */

    __u32 acknowledged; /* by the client */
    __u32 cut;          /* sequence number from which on the connection is held or ended */
    __u32 cut_state;    /* enum state */
    __u32 resets;
    __u64 held_until; /* of a slow answer */

    __u32 changed; /* how many changes there were */
    struct change changes[CHANGES];
};

struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, 8192);
    __type(key, struct flow_key);
    __type(value, struct connection);
} connections SEC(".maps");

/* One of zeros: too large for the stack. */
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct connection);
} blank SEC(".maps");

struct stream_key {
    struct flow_key flow;
    __u32 stream;
};

/* A check whose answer is waited for. */
struct stream {
    __u32 state;
    __u32 at; /* how far its answer was read */
};

struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, 16384);
    __type(key, struct stream_key);
    __type(value, struct stream);
} streams SEC(".maps");

/* Requests that came before their turn: they are read when it is theirs, which is before the server can answer them. */
struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, 128);
    __type(key, struct flow_key);
    __type(value, struct kept);
} kept SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct kept);
} nothing_kept SEC(".maps");

struct conversation {
    struct reader reader;
    struct connection* c;
    struct answers* a; /* those that are read */
    struct kept* kept; /* of this connection */
    __u32 copied;      /* octets of this packet, to there */
    struct stream_key key;
    int direction;
};

static __always_inline struct connection* new_connection(const struct flow_key* key) {
    const __u32 zero = 0;
    struct connection* fresh = bpf_map_lookup_elem(&blank, &zero);
    if (!fresh) return NULL;
    bpf_map_update_elem(&connections, key, fresh, BPF_ANY);
    return bpf_map_lookup_elem(&connections, key);
}

/* The connection speaks something else; a check that asked for HTTP/2 is answered there. */
static __always_inline void not_http2(struct conversation* v, __u32 asked_by) {
    v->c->request_mode = OTHER;
    v->key.stream = asked_by;
    struct stream* s = bpf_map_lookup_elem(&streams, &v->key);
    if (!s) return;
    give_up(&s->state);
    bpf_map_delete_elem(&streams, &v->key);
}

/* The octet at `seq` is to be another. */
static __always_inline void plan(struct connection* c, __u32 seq, __u8 was, __u8 now, int counts) {
    __u32 n = c->changed++ % CHANGES;
    struct change* change = &c->changes[n];
    change->seq = seq;
    change->was = was;
    change->now = now;
    change->counts = (__u8)counts;
    change->valid = 1;
}

static long carry_out(__u32 n, struct conversation* v) {
    if (n >= CHANGES) return 1;
    struct change* change = &v->c->changes[n];
    __u32 offset = change->seq - v->reader.seq;
    __u8 was[4] = {}, now[4] = {change->now};
    if (!change->valid) return 1;
    if (offset >= v->reader.size || bpf_skb_load_bytes(v->reader.skb, v->reader.p->payload + offset, was, 1) < 0) return 0;
    if (was[0] != change->was || !tcp_write(v->reader.skb, v->reader.p, v->reader.p->payload + offset, was, now, 1)) return 0;
    if (change->counts) COUNT(hits);
    change->counts = 0;
    return 0;
}
