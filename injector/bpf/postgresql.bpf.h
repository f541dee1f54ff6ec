/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/* The PostgreSQL protocol on the wire (its manual, "Message Formats"): the start-up packet that HAProxy checks with, and its answer. */
#pragma once

#include "injector/bpf/http1.bpf.h"

#define POSTGRESQL_SHOWN 9 /* the type of a message, its length, and four octets: those of AuthenticationOk are all it has */
#define POSTGRESQL_USER 64 /* a name is shorter (NAMEDATALEN) */

/* What begins at `at`, in the words of HTTP: a start-up packet of version 3.0 that names a user and nothing else. */
static __always_inline int postgresql_request(struct __sk_buff* skb, __u32 at, __u32 end) {
    struct {
        __be32 length, version;
        char user[8];
    } head = {};
    if (at + 13 + 3 > end || bpf_skb_load_bytes(skb, at, &head, 13) < 0) return HTTP1_NONE;
    if (head.version != bpf_htonl(3 << 16)) return HTTP1_NONE;
    if (head.user[0] != 'u' || head.user[1] != 's' || head.user[2] != 'e' || head.user[3] != 'r' || head.user[4] != 0) return HTTP1_OTHER;
    if (bpf_ntohl(head.length) != end - at) return HTTP1_OTHER;
    for (__u32 i = 0; i < POSTGRESQL_USER; i++) {
        __u8 octet = 1;
        if (bpf_skb_load_bytes(skb, at + 13 + i, &octet, 1) < 0) return HTTP1_OTHER;
        if (octet == 0) return at + 13 + i + 2 == end ? HTTP1_CHECK : HTTP1_OTHER; /* its end, and that of the packet */
    }
    return HTTP1_OTHER;
}

/* The status of HTTP that the message at `at` amounts to; 0 for another. */
static __always_inline __u32 postgresql_status(struct __sk_buff* skb, __u32 at, __u32 end) {
    __u8 type = 0;
    if (at + POSTGRESQL_SHOWN > end || bpf_skb_load_bytes(skb, at, &type, 1) < 0) return 0;
    return type == 'R' ? 200 : type == 'E' ? 500 : 0;
}
