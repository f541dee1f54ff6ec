/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/* The MySQL protocol on the wire (its manual, "Client/Server Protocol"): a login with COM_QUIT right behind it, as HAProxy checks with
   a user, and the packet that answers it. */
#pragma once

#include "injector/bpf/http1.bpf.h"

#define MYSQL_HEAD 4  /* length in three octets, least first; sequence id */
#define MYSQL_SHOWN 7 /* and what the packet is: 00 OK, FE another way to log in, FF ERR with its code */
#define MYSQL_GREETING 0x0a

struct mysql_head {
    __u32 length;
    __u8 id, kind;
};

static __always_inline int mysql_head(struct __sk_buff* skb, __u32 at, __u32 end, struct mysql_head* head) {
    __u8 octets[MYSQL_HEAD + 1] = {};
    if (at + sizeof octets > end || bpf_skb_load_bytes(skb, at, octets, sizeof octets) < 0) return 0;
    head->length = octets[0] | (__u32)octets[1] << 8 | (__u32)octets[2] << 16;
    head->id = octets[3];
    head->kind = octets[4];
    return 1;
}

/* What begins at `at`, in the words of HTTP. */
static __always_inline int mysql_request(struct __sk_buff* skb, __u32 at, __u32 end) {
    struct mysql_head login = {}, quit = {};
    if (!mysql_head(skb, at, end, &login) || login.id != 1) return HTTP1_NONE;
    __u32 behind = at + MYSQL_HEAD + login.length;
    if (behind + MYSQL_HEAD + 1 != end || !mysql_head(skb, behind, end, &quit)) return HTTP1_OTHER;
    return quit.length == 1 && quit.id == 0 && quit.kind == 1 ? HTTP1_CHECK : HTTP1_OTHER;
}

/* The length of a greeting at `at`; 0 if there is none. */
static __always_inline __u32 mysql_greeting(struct __sk_buff* skb, __u32 at, __u32 end) {
    struct mysql_head head = {};
    if (!mysql_head(skb, at, end, &head) || head.id != 0 || head.kind != MYSQL_GREETING) return 0;
    return MYSQL_HEAD + head.length;
}

/* The status of HTTP that the answer at `at` amounts to; 0 if it is none to a login. */
static __always_inline __u32 mysql_status(struct __sk_buff* skb, __u32 at, __u32 end) {
    struct mysql_head head = {};
    if (at + MYSQL_SHOWN > end || !mysql_head(skb, at, end, &head) || head.id != 2 || head.length < 3) return 0;
    return head.kind == 0xff ? 500 : 200;
}
