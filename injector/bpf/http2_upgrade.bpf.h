/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/* How HTTP/2 in clear begins on a connection of HTTP/1.1 (RFC 7540 §3.2): a request asks for it, a 101 says yes, and frames follow
   each of them; the request's own answer is that of stream 1. */
#pragma once

#include "injector/bpf/http1.bpf.h"
#include "injector/bpf/http2_request.bpf.h"

/* Whether the head from `at` to `over` has the field "Upgrade: h2c". */
static __always_inline int asks_for_http2(struct __sk_buff* skb, __u32 at, __u32 over) {
    const struct http1_pattern name = HTTP1_PATTERN("Upgrade:"), value = HTTP1_PATTERN("h2c"), end = HTTP1_PATTERN("\r\n");
    __u32 field = http1_find(skb, at, over, name.bytes, name.mask);
    __u32 line_end = field ? http1_find(skb, field, over, end.bytes, end.mask) : 0;
    return line_end && http1_find(skb, field, line_end, value.bytes, value.mask);
}

/* Where a request of HTTP/1.1 may begin. */
static __always_inline int may_upgrade(const struct connection* c) {
    return c->request_mode >= OTHER || (c->request_mode == IN_PREFACE && c->requests.have == 0);
}

/* 1 if this packet asks for HTTP/2; the connection then begins anew behind it. One with a body is not followed, nor is one whose
   head is cut: where the frames begin is not known. */
static __always_inline int upgrade(struct conversation* v) {
    struct __sk_buff* skb = v->reader.skb;
    const struct packet* p = v->reader.p;
    __u64 line = 0;
    if (p->payload + sizeof line > p->end || bpf_skb_load_bytes(skb, p->payload, &line, sizeof line) < 0 || !http1_method(line)) return 0;
    __u32 over = http1_head_end(skb, p->payload, p->end);
    if (over && !asks_for_http2(skb, p->payload, over)) return 0;
    int what = http1_request(skb, p->payload, p->end);
    int check = (what == HTTP1_CHECK || what == HTTP1_CUT) && from_checker(p);
    if (over != p->end) {
        if (check) COUNT(unseen);
        return 0;
    }
    struct connection* fresh = new_connection(&v->key.flow);
    if (!fresh) return 0;
    fresh->requests.next = p->seq + v->reader.size;
    fresh->acknowledged = p->ack;
    fresh->answers_known = fresh->upgrading = 1;
    fresh->answers[0].frames.next = p->ack;
    fresh->last_stream = UPGRADED_STREAM;
    v->c = fresh;
    if (check) check_begins(v, UPGRADED_STREAM);
    return 1;
}

/* Reads over the 101. Any other answer is one in HTTP/1.1, and the connection goes on so. */
static __always_inline void answer_to_upgrade(struct conversation* v) {
    struct connection* c = v->c;
    struct frames* f = &c->answers[0].frames;
    const struct packet* p = v->reader.p;
    __u32 offset = f->next - v->reader.seq;
    __u8 digits[HTTP1_STATUS_DIGITS] = {};
    if (offset >= v->reader.size) return;
    __u32 at = p->payload + offset, after = 0;
    if (http1_status(v->reader.skb, at, p->end, digits) == 101) after = http1_head_end(v->reader.skb, at, p->end);
    c->upgrading = 0;
    if (after)
        f->next += after - at;
    else
        not_http2(v, UPGRADED_STREAM);
}
