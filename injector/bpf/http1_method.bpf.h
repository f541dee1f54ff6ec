/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/* How an HTTP/1.x request begins (RFC 9112 §3). */
#pragma once

#include <linux/types.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

/* Whether the first bytes of a word, as it lies in memory, are this text; folds into one comparison. */
#define HTTP1_BEGINS(word, text) http1_begins(word, text, sizeof text - 1)
static __always_inline int http1_begins(__u64 word, const char* text, __u32 size) {
    __u64 wanted = 0;
#pragma unroll
    for (__u32 i = 0; i < size; i++) ((__u8*)&wanted)[i] = (__u8)text[i];
    __u64 mask = bpf_htons(1) == 1 ? ~0ULL << (64 - size * 8) : ~0ULL >> (64 - size * 8);
    return (word & mask) == wanted;
}

/* The length of the method and its space; 0 if no request line begins here (RFC 9110 §9.3; CONNECT names no path). */
static __always_inline __u32 http1_method(__u64 line) {
    if (HTTP1_BEGINS(line, "GET ") || HTTP1_BEGINS(line, "PUT ")) return 4;
    if (HTTP1_BEGINS(line, "HEAD ") || HTTP1_BEGINS(line, "POST ")) return 5;
    if (HTTP1_BEGINS(line, "PATCH ") || HTTP1_BEGINS(line, "TRACE ")) return 6;
    if (HTTP1_BEGINS(line, "DELETE ")) return 7;
    if (HTTP1_BEGINS(line, "OPTIONS ")) return 8;
    return 0;
}
