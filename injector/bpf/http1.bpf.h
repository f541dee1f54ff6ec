/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/* HTTP/1.0 and 1.1 on the wire (RFC 9112): which request is a check, and where its answer says how it went. */
#pragma once

#include "injector/bpf/dns.h" /* dns_lower */
#include "injector/bpf/health.h"
#include "injector/bpf/http1_method.bpf.h"
#include "injector/bpf/packet.bpf.h"

enum http1_request {
    HTTP1_NONE,  /* no request line begins here */
    HTTP1_OTHER, /* a request, but not the check */
    HTTP1_CHECK, /* the check */
    HTTP1_CUT,   /* may be the check: the segment ends before that is sure */
};

#define HTTP1_CHUNK 32
#define HTTP1_CHUNKS 64 /* a head of up to 2 KiB is searched */

/* Up to eight bytes to search for: the newest byte lowest, letters in either case. */
struct http1_pattern {
    __u64 bytes, mask;
};

#define HTTP1_PATTERN(text) http1_pattern(text, sizeof text - 1)
static __always_inline struct http1_pattern http1_pattern(const char* text, __u32 size) {
    struct http1_pattern pattern = {};
#pragma unroll
    for (__u32 i = 0; i < size; i++) {
        __u8 letter = (text[i] | 0x20) >= 'a' && (text[i] | 0x20) <= 'z' ? 0xdf : 0xff;
        pattern.bytes = pattern.bytes << 8 | ((__u8)text[i] & letter);
        pattern.mask = pattern.mask << 8 | letter;
    }
    return pattern;
}

struct http1_scan {
    struct __sk_buff* skb;
    __u32 at, end;
    __u64 last; /* the last eight bytes seen */
    struct http1_pattern pattern;
    __u32 found; /* the offset behind the pattern */
};

static long http1_scan_chunk(__u32 index, struct http1_scan* scan) {
    __u8 chunk[HTTP1_CHUNK] = {};
    __u32 left = scan->end - scan->at;
    if (left == 0) return 1;
    /* The verifier of Linux 6.1 learns nothing from "is not 0": it is given one less, opaque to the compiler, and adds it. */
    __u32 more = (left < HTTP1_CHUNK ? left : HTTP1_CHUNK) - 1;
    asm volatile("" : "+r"(more));
    if (more >= HTTP1_CHUNK) return 1;
    __u32 size = more + 1;
    if (bpf_skb_load_bytes(scan->skb, scan->at, chunk, size) < 0) return 1;
    __u64 last = scan->last, bytes = scan->pattern.bytes, mask = scan->pattern.mask;
#pragma unroll
    for (__u32 i = 0; i < HTTP1_CHUNK; i++) {
        last = last << 8 | chunk[i];
        if ((last & mask) == bytes) {
            scan->found = scan->at + i + 1;
            return 1;
        }
    }
    scan->last = last;
    scan->at += size;
    return 0;
}

/* Where the pattern ends that comes first between `at` and `end`; 0 if there is none. Global functions (no static) are
   verified once and not at every call. */
__attribute__((noinline)) __u32 http1_find(struct __sk_buff* skb, __u32 at, __u32 end, __u64 bytes, __u64 mask) {
    struct http1_scan scan = {.skb = skb, .at = at, .end = end, .pattern = {bytes, mask}};
    bpf_loop(HTTP1_CHUNKS, http1_scan_chunk, &scan, 0);
    return scan.found;
}

#define HTTP1_LINES_CHUNK 64
#define HTTP1_LINES_CHUNKS 32

/* Every data request is searched for its end: eight bytes at a time. */
struct http1_lines {
    struct __sk_buff* skb;
    __u32 at, end;
    __u64 ended; /* 0x80 if the last byte seen ended a line */
    __u32 found;
};

/* 0x80 in each byte of `bytes` that is `letter`, 0 in the others. */
static __always_inline __u64 http1_letters(__u64 bytes, __u8 letter) {
    const __u64 low = 0x7f7f7f7f7f7f7f7fULL;
    __u64 differs = bytes ^ 0x0101010101010101ULL * letter;
    return ~(((differs & low) + low) | differs | low);
}

static long http1_lines_chunk(__u32 index, struct http1_lines* lines) {
    __u64 words[HTTP1_LINES_CHUNK / 8] = {};
    __u32 left = lines->end - lines->at;
    if (left == 0) return 1;
    __u32 more = (left < HTTP1_LINES_CHUNK ? left : HTTP1_LINES_CHUNK) - 1; /* as in http1_scan_chunk */
    asm volatile("" : "+r"(more));
    if (more >= HTTP1_LINES_CHUNK) return 1;
    __u32 size = more + 1;
    if (bpf_skb_load_bytes(lines->skb, lines->at, words, size) < 0) return 1;
    __u64 ended = lines->ended;
#pragma unroll
    for (__u32 i = 0; i < HTTP1_LINES_CHUNK / 8; i++) {
        __u64 ends = http1_letters(words[i], '\n');
        __u64 blank = (ends << 8 | ended) & http1_letters(words[i], '\r');
        ended = ends >> 56;
        if (blank == 0) continue;
        __u32 before = 0; /* whole bytes below the lowest that is set */
        for (blank = (blank - 1) & ~blank; blank > 0x7f; blank >>= 8) before++;
        lines->found = lines->at + i * 8 + before + 2;
        return 1;
    }
    lines->ended = ended;
    lines->at += size;
    return 0;
}

/* Where the head (start line and fields) that begins at `at` is over, which is behind its first empty line; 0 if it is not over in this
   packet. */
__attribute__((noinline)) __u32 http1_head_end(struct __sk_buff* skb, __u32 at, __u32 end) {
    struct http1_lines lines = {.skb = skb, .at = at, .end = end};
    bpf_loop(HTTP1_LINES_CHUNKS, http1_lines_chunk, &lines, 0);
    return lines.found <= end ? lines.found : 0;
}

/* Compares the bytes at `at` with a text, which is in lower case if any case will do; HTTP1_CUT if they end too early to tell. */
static __always_inline int http1_compare(struct __sk_buff* skb, __u32 at, __u32 end, const volatile struct health_text* text,
                                         int any_case) {
    for (__u32 i = 0; i < HEALTH_TEXT_MAX / 8; i++) {
        if (i * 8 >= text->length) break;
        __u32 left = text->length - i * 8;
        __u32 size = left < 8 ? left : 8;
        __u64 word = 0;
        if (at + size > end) return HTTP1_CUT;
        if (bpf_skb_load_bytes(skb, at, &word, size) < 0) return HTTP1_OTHER;
        if ((any_case ? dns_lower(word) : word) != text->words[i]) return HTTP1_OTHER;
        at += size;
    }
    return HTTP1_CHECK;
}

static __always_inline int http1_text(struct __sk_buff* skb, __u32 at, __u32 end, const volatile struct health_text* text) {
    return http1_compare(skb, at, end, text, 0);
}

/* The name of a host: RFC 9110 §4.2.3, RFC 6066 §3. */
static __always_inline int http1_host_name(struct __sk_buff* skb, __u32 at, __u32 end) {
    return http1_compare(skb, at, end, &health.host, 1);
}

/* Whether the head that begins at `at` has the User-Agent (RFC 9110 §10.1.5) that is asked for. */
static __always_inline int http1_agent(struct __sk_buff* skb, __u32 at, __u32 end) {
    const struct http1_pattern first = HTTP1_PATTERN("\r\nUser-A"), second = HTTP1_PATTERN("gent:");
    __u32 over = http1_head_end(skb, at, end);
    int absent = over ? HTTP1_OTHER : HTTP1_CUT;
    __u8 next = 0;
    if (over == 0) over = end;
    at = http1_find(skb, at, over, first.bytes, first.mask);
    if (at == 0 || http1_find(skb, at, at + 5, second.bytes, second.mask) == 0) return absent;
    at += 5;
    if (bpf_skb_load_bytes(skb, at, &next, 1) == 0 && next == ' ') at++;
    int match = http1_text(skb, at, over, &health.agent);
    if (match == HTTP1_CUT) return absent;
    if (match != HTTP1_CHECK || health.agent.prefix) return match;
    if (bpf_skb_load_bytes(skb, at + health.agent.length, &next, 1) < 0) return HTTP1_CUT;
    return next == '\r' ? HTTP1_CHECK : HTTP1_OTHER;
}

/* Whether the head that begins at `at` has the Host (RFC 9110 §7.2) that is asked for, with any port. */
static __always_inline int http1_host(struct __sk_buff* skb, __u32 at, __u32 end) {
    const struct http1_pattern field = HTTP1_PATTERN("\r\nHost:");
    __u32 over = http1_head_end(skb, at, end);
    int absent = over ? HTTP1_OTHER : HTTP1_CUT;
    __u8 next = 0;
    if (over == 0) over = end;
    at = http1_find(skb, at, over, field.bytes, field.mask);
    if (at == 0) return absent;
    if (bpf_skb_load_bytes(skb, at, &next, 1) == 0 && next == ' ') at++;
    int match = http1_host_name(skb, at, over);
    if (match == HTTP1_CUT) return absent;
    if (match != HTTP1_CHECK || health.host.prefix) return match;
    if (bpf_skb_load_bytes(skb, at + health.host.length, &next, 1) < 0) return HTTP1_CUT;
    return next == '\r' || next == ':' ? HTTP1_CHECK : HTTP1_OTHER;
}

/* Whether the target at `at` is the one asked for, its query left out. */
static __always_inline int http1_target(struct __sk_buff* skb, __u32 at, __u32 end) {
    __u8 next = 0;
    int match = http1_text(skb, at, end, &health.path);
    if (match != HTTP1_CHECK) return match;
    at += health.path.length;
    if (at >= end || bpf_skb_load_bytes(skb, at, &next, 1) < 0) return HTTP1_CUT;
    if (health.path.prefix) return HTTP1_CHECK;
    if (health.path.length == 0) return next == '/' || next == '*' ? HTTP1_CHECK : HTTP1_OTHER;
    return next == ' ' || next == '?' ? HTTP1_CHECK : HTTP1_OTHER;
}

/* What begins at `at`. The target is matched as it is sent, in origin-form (RFC 9112 §3.2.1). */
__attribute__((noinline)) int http1_request(struct __sk_buff* skb, __u32 at, __u32 end) {
    __u64 line = 0;
    if (at + sizeof line > end || bpf_skb_load_bytes(skb, at, &line, sizeof line) < 0) return HTTP1_NONE;
    __u32 method = http1_method(line);
    if (method == 0) return HTTP1_NONE;
    if (health.method.length && (health.method.length != method || http1_text(skb, at, end, &health.method) != HTTP1_CHECK))
        return HTTP1_OTHER;
    int match = http1_target(skb, at + method, end);
    if (match == HTTP1_CHECK && health.host.length) match = http1_host(skb, at, end);
    return match == HTTP1_CHECK && health.agent.length ? http1_agent(skb, at, end) : match;
}

#define HTTP1_STATUS_LINE 12  /* "HTTP/1.x ddd" */
#define HTTP1_DIGITS 9        /* where the three digits begin */
#define HTTP1_STATUS_DIGITS 4 /* three, and room */

/* The status of the answer that begins at `at`, its digits copied out; 0 if no whole HTTP/1.x status is there. */
static __always_inline __u32 http1_status(struct __sk_buff* skb, __u32 at, __u32 end, __u8 digits[HTTP1_STATUS_DIGITS]) {
    struct {
        __u64 version;
        __u8 space, digits[3];
    } line;
    if (at + HTTP1_STATUS_LINE > end || bpf_skb_load_bytes(skb, at, &line, HTTP1_STATUS_LINE) < 0) return 0;
    if (!HTTP1_BEGINS(line.version, "HTTP/1.") || line.space != ' ') return 0;
    __u32 hundreds = line.digits[0] - '0', tens = line.digits[1] - '0', units = line.digits[2] - '0';
    if (hundreds > 9 || tens > 9 || units > 9) return 0;
    __builtin_memcpy(digits, line.digits, 3);
    return hundreds * 100 + tens * 10 + units;
}

#define HTTP1_DATE 35 /* "Date: " and an IMF-fixdate (RFC 9110 §5.6.7) */

/* Where the Date field of the head that begins at `at` lies, without its line end; 0 if it has none in this packet. */
static __always_inline __u32 http1_date(struct __sk_buff* skb, __u32 at, __u32 end) {
    const struct http1_pattern date = HTTP1_PATTERN("\r\nDate: ");
    __u32 over = http1_head_end(skb, at, end);
    __u32 value = over ? http1_find(skb, at, over, date.bytes, date.mask) : 0;
    __u16 line_end = 0;
    if (value == 0 || bpf_skb_load_bytes(skb, value + 29, &line_end, 2) < 0 || line_end != bpf_htons(0x0d0a)) return 0;
    return value - 6;
}
