/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/* The line that an agent of HAProxy says on each connection ("agent-check" in HAProxy's configuration manual): `up 100%`, `75%`, `down`.
   A word is changed into its opposite and a weight into another, since only a word of the same kind, said later, takes it back. */
#pragma once

#include "injector/bpf/http1.bpf.h"

#define AGENT_LINE 32 /* octets of a line that are read, its end included */

struct agent_line {
    __u8 octets[AGENT_LINE];
    __u32 size; /* without the line's end */
};

/* 0 if no whole line is at `at`. */
static __always_inline int agent_read(struct __sk_buff* skb, __u32 at, __u32 end, struct agent_line* line) {
    /* as in http1.bpf.h: one less, for the verifier of Linux 6.1 */
    __u32 left = end - at, more = (left < AGENT_LINE ? left : AGENT_LINE) - 1;
    asm volatile("" : "+r"(more));
    if (more >= AGENT_LINE || bpf_skb_load_bytes(skb, at, line->octets, more + 1) < 0) return 0;
    for (__u32 i = 0; i < AGENT_LINE; i++) {
        if (line->octets[i] != '\n' && line->octets[i] != '\r') continue;
        line->size = i;
        return 1;
    }
    return 0;
}

static __always_inline int agent_word(const struct agent_line* line, const char* word, __u32 size) {
    for (__u32 i = 0; i < size; i++)
        if ((line->octets[i] | 0x20) != word[i]) return 0;
    return line->octets[size] <= ' ';
}

/* The status of HTTP that the line at `at` amounts to; 0 if it has no opposite of its length: a mere "up" is shorter than "down". */
static __always_inline __u32 agent_status(struct __sk_buff* skb, __u32 at, __u32 end) {
    struct agent_line line = {};
    if (!agent_read(skb, at, end, &line)) return 0;
    if (agent_word(&line, "down", 4)) return 500;
    if (agent_word(&line, "up", 2)) return line.size >= 4 || health.result == HEALTH_PASS ? 200 : 0;
    if (line.octets[0] == '0' && line.octets[1] == '%') return health.result == HEALTH_PASS ? 0 : 500;
    return line.octets[0] >= '1' && line.octets[0] <= '9' && (line.octets[1] == '%' || line.octets[2] == '%' || line.octets[3] == '%') ? 200
                                                                                                                                       : 0;
}

/* The opposite of the line at `at`, and blanks behind it; 0 if it cannot be written. */
static __always_inline int agent_write(struct __sk_buff* skb, const struct packet* p, __u32 at) {
    struct agent_line line = {}, other = {.octets = "down"};
    if (!agent_read(skb, at, p->end, &line)) return 0;
    __u32 size = line.size;
    if (health.result == HEALTH_PASS) __builtin_memcpy(other.octets, "up\0\0", 4);
    if (line.octets[0] <= '9') __builtin_memcpy(other.octets, "0%\0\0", 4);
    for (__u32 i = 0; i < AGENT_LINE; i++) {
        if (i >= size)
            other.octets[i] = line.octets[i];
        else if (other.octets[i] == 0)
            other.octets[i] = ' ';
    }
    /* What is behind the line is written back as it was: a size that the verifier knows. */
    __u32 left = p->end - at, more = (left < AGENT_LINE ? left : AGENT_LINE) - 1;
    asm volatile("" : "+r"(more));
    return more < AGENT_LINE && tcp_write(skb, p, at, line.octets, other.octets, more + 1);
}
