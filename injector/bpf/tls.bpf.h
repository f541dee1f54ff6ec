/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/* The only thing about a check under TLS that can be read: the server name in its ClientHello (RFC 8446 §4.1.2, RFC 6066 §3). */
#pragma once

#include "injector/bpf/http1.bpf.h"

#define TLS_SESSION 43 /* where the length of the session id is: record, handshake, version and random come first */
#define TLS_EXTENSIONS 64

struct tls_scan {
    struct __sk_buff* skb;
    __u32 at, end;
    __u32 name; /* where the extension of the server name is */
};

static long tls_extension(__u32 index, struct tls_scan* scan) {
    __be16 head[2] = {};
    if (scan->at + sizeof head > scan->end || bpf_skb_load_bytes(scan->skb, scan->at, head, sizeof head) < 0) return 1;
    if (head[0] == 0) {
        scan->name = scan->at + sizeof head;
        return 1;
    }
    scan->at += sizeof head + bpf_ntohs(head[1]);
    return 0;
}

/* Whether the name at `at`, behind the head of its list, is the one asked for. */
static __always_inline int tls_name(struct __sk_buff* skb, __u32 at, __u32 end) {
    __u8 head[5] = {}; /* length of the list; type; length of the name */
    if (at + sizeof head > end || bpf_skb_load_bytes(skb, at, head, sizeof head) < 0) return HTTP1_CUT;
    __u32 size = (__u32)head[3] << 8 | head[4], wanted = health.host.length;
    if (head[2] != 0 || size < wanted || (size > wanted && !health.host.prefix)) return HTTP1_OTHER;
    return http1_host_name(skb, at + sizeof head + size - wanted, end);
}

/* What begins at `at`, in the words of HTTP. */
static __always_inline int tls_request(struct __sk_buff* skb, __u32 at, __u32 end) {
    __u8 head[6] = {}, size = 0;
    __be16 ciphers = 0;
    struct tls_scan scan = {.skb = skb, .end = end};
    if (bpf_skb_load_bytes(skb, at, head, sizeof head) < 0 || head[0] != 22 || head[1] != 3 || head[5] != 1) return HTTP1_NONE;
    at += TLS_SESSION;
    if (bpf_skb_load_bytes(skb, at, &size, 1) < 0) return HTTP1_CUT;
    at += 1 + size;
    if (bpf_skb_load_bytes(skb, at, &ciphers, 2) < 0) return HTTP1_CUT;
    at += 2 + bpf_ntohs(ciphers);
    if (bpf_skb_load_bytes(skb, at, &size, 1) < 0) return HTTP1_CUT;
    scan.at = at + 1 + size + 2;
    bpf_loop(TLS_EXTENSIONS, tls_extension, &scan, 0);
    if (scan.name) return tls_name(skb, scan.name, end);
    return scan.at < end ? HTTP1_OTHER : HTTP1_CUT;
}
