/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/* How HTTP/2 in clear begins on a connection of HTTP/1.1 (RFC 7540 §3.2): a request asks for it, a 101 says yes, and frames follow
   each of them; the request's own answer is that of stream 1. */
#pragma once

#include "injector/bpf/http1.bpf.h"
#include "injector/bpf/http2_request.bpf.h"

/* What a packet from a client is to an upgrade. */
enum upgrade {
    UPGRADE_NONE,
    UPGRADE_UNSEEN, /* may be a check that asks for it: its head is cut, or a body follows, and where frames begin is not known */
    UPGRADE_OTHER,  /* asks for it, and ends here */
    UPGRADE_CHECK,  /* so does a check */
};

/* Whether the head from `at` to `over` has the field "Upgrade: h2c". */
static __always_inline int asks_for_http2(struct __sk_buff* skb, __u32 at, __u32 over) {
    const struct http1_pattern name = HTTP1_PATTERN("Upgrade:"), value = HTTP1_PATTERN("h2c"), end = HTTP1_PATTERN("\r\n");
    __u32 field = http1_find(skb, at, over, name.bytes, name.mask);
    __u32 line_end = field ? http1_find(skb, field, over, end.bytes, end.mask) : 0;
    return line_end && http1_find(skb, field, line_end, value.bytes, value.mask);
}

/* A global function, as http1_find: what it does is verified once, and not together with what comes after it. */
__attribute__((noinline)) int upgrade_in(struct __sk_buff* skb, __u32 at, __u32 end) {
    __u64 line = 0;
    if (at + sizeof line > end || bpf_skb_load_bytes(skb, at, &line, sizeof line) < 0 || !http1_method(line)) return UPGRADE_NONE;
    __u32 over = http1_head_end(skb, at, end);
    if (over && !asks_for_http2(skb, at, over)) return UPGRADE_NONE;
    int what = http1_request(skb, at, end);
    int check = what == HTTP1_CHECK || what == HTTP1_CUT;
    if (over != end) return check ? UPGRADE_UNSEEN : UPGRADE_NONE;
    return check ? UPGRADE_CHECK : UPGRADE_OTHER;
}

/* The offset behind the 101 that is at `at`; 0 if none is there, or not the whole of it. */
__attribute__((noinline)) __u32 behind_101(struct __sk_buff* skb, __u32 at, __u32 end) {
    __u8 digits[HTTP1_STATUS_DIGITS] = {};
    return http1_status(skb, at, end, digits) == 101 ? http1_head_end(skb, at, end) : 0;
}

/* Where a request of HTTP/1.1 may begin. */
static __always_inline int may_upgrade(const struct conversation* v) {
    const struct connection* c = v->c;
    int between = c->request_mode >= OTHER || (c->request_mode == IN_PREFACE && c->requests.have == 0);
    return between && (__s32)(v->reader.seq - c->requests.next) >= 0;
}

/* The connection begins anew behind this packet. */
static __always_inline void upgrade(struct conversation* v, int check) {
    struct connection* fresh = new_connection(&v->key.flow);
    if (!fresh) return;
    fresh->requests.next = v->reader.seq + v->reader.size;
    fresh->acknowledged = v->reader.p->ack;
    fresh->answers_known = fresh->upgrading = 1;
    fresh->answers[0].frames.next = v->reader.p->ack;
    fresh->last_stream = UPGRADED_STREAM;
    if (check) check_begins(v, UPGRADED_STREAM);
}

/* Reads over the 101; 0 if this is another answer, which is one in HTTP/1.1, and so the connection goes on. */
static __always_inline int answer_to_upgrade(struct conversation* v) {
    struct frames* f = &v->c->answers[0].frames;
    const struct packet* p = v->reader.p;
    __u32 offset = f->next - v->reader.seq;
    if (offset >= v->reader.size) return 1;
    __u32 at = p->payload + offset, after = behind_101(v->reader.skb, at, p->end);
    v->c->upgrading = 0;
    if (!after) {
        not_http2(v, UPGRADED_STREAM);
        return 0;
    }
    f->next += after - at;
    return 1;
}
