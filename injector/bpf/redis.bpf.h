/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/* The Redis protocol on the wire: a PING and its answer. */
#pragma once

#include "injector/bpf/http1.bpf.h"

#define REDIS_PING 14 /* "*1\r\n$4\r\nPING\r\n", as HAProxy sends it; the name in either case */
#define REDIS_PONG 7  /* "+PONG\r\n" */

/* What begins at `at`, in the words of HTTP. */
static __always_inline int redis_request(struct __sk_buff* skb, __u32 at, __u32 end) {
    struct {
        __u64 head;
        __u32 name;
        __u16 line_end, pad;
    } request = {};
    __u8 first = 0;
    if (bpf_skb_load_bytes(skb, at, &first, 1) < 0) return HTTP1_NONE;
    if (first != '*') return HTTP1_NONE; /* the rest of a longer command */
    if (at + REDIS_PING > end) return HTTP1_CUT;
    if (bpf_skb_load_bytes(skb, at, &request, REDIS_PING) < 0) return HTTP1_OTHER;
    const union {
        char text[8];
        __u64 word;
    } head = {"*1\r\n$4\r\n"};
    const union {
        char text[4];
        __u32 word;
    } name = {"PING"};
    return request.head == head.word && (request.name & 0xdfdfdfdf) == name.word ? HTTP1_CHECK : HTTP1_OTHER;
}

/* Where the error that begins at `at` has its last octets before its CR LF: where a PONG has room; 0 if it is none, or is not whole. */
static __always_inline __u32 redis_error_tail(struct __sk_buff* skb, __u32 at, __u32 end) {
    const struct http1_pattern line_end = HTTP1_PATTERN("\r\n");
    __u8 first = 0;
    if (bpf_skb_load_bytes(skb, at, &first, 1) < 0 || first != '-') return 0;
    __u32 over = http1_find(skb, at, end, line_end.bytes, line_end.mask);
    return over > at + REDIS_PONG ? over - REDIS_PONG : 0;
}

/* An error becomes a simple string of the same length that ends with PONG: a checker looks for "+PONG\r\n" (HAProxy anywhere in the
   answer), and the message still ends where it did. */
static __always_inline int redis_pass(struct __sk_buff* skb, const struct packet* p, __u32 at) {
    __u32 tail = redis_error_tail(skb, at, p->end);
    __u8 was[8] = {}, now[8] = "+PONG", error[4] = "-", simple[4] = "+";
    if (tail == 0 || bpf_skb_load_bytes(skb, tail, was, REDIS_PONG - 2) < 0) return 0;
    return tcp_write(skb, p, at, error, simple, 1) && tcp_write(skb, p, tail, was, now, REDIS_PONG - 2);
}

/* The status of HTTP that the answer which begins at `at` amounts to; 0 if it is neither a whole PONG nor a whole error. */
static __always_inline __u32 redis_status(struct __sk_buff* skb, __u32 at, __u32 end) {
    const union {
        char text[8];
        __u64 word;
    } pong = {"+PONG\r\n"};
    __u64 seen = 0;
    if (at + REDIS_PONG > end || bpf_skb_load_bytes(skb, at, &seen, REDIS_PONG) < 0) return 0;
    if (seen == pong.word) return 200;
    return redis_error_tail(skb, at, end) ? 500 : 0;
}
