/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/* Which packets loss and duplicate hit (loss.h). */
#pragma once

#include "injector/bpf/loss.h"
#include "injector/bpf/network.bpf.h"

const volatile struct loss loss = {};
__u64 trials = 0;
__u32 bad = 0; /* the state of the chain; two processors that step at once take one step */

static __always_inline int in_burst(__u64 n) {
    volatile __u32* state = &bad;
    if ((draw(2 * n) >> 32) < (*state ? loss.leave : loss.enter)) *state = !*state;
    return *state && (draw(2 * n + 1) >> 32) < loss.in_burst;
}

static __always_inline int trial(void) {
    __u64 n = __sync_fetch_and_add(&trials, 1);
    if (loss.every) return n % loss.every == loss.every - 1;
    return loss.enter ? in_burst(n) : drawn(n);
}

/* Whether this packet is to be hit; asked once a packet. */
static __always_inline int is_hit(const struct __sk_buff* skb) {
    __u32 count = trials_of(skb, loss.per_segment);
    int hit = 0;
    if (!in_turn(COUNT(matched))) return 0;
    for (__u32 i = 0; i < TRIALS_MOST && i < count; i++) hit |= trial();
    return hit;
}
