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

/* The status of HTTP that the answer which begins at `at` amounts to; 0 if it is no whole PONG. */
static __always_inline __u32 redis_status(struct __sk_buff* skb, __u32 at, __u32 end) {
    const union {
        char text[8];
        __u64 word;
    } pong = {"+PONG\r\n"};
    __u64 seen = 0;
    if (at + REDIS_PONG > end || bpf_skb_load_bytes(skb, at, &seen, REDIS_PONG) < 0) return 0;
    return seen == pong.word ? 200 : 0;
}
