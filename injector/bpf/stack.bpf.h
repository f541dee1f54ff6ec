/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/* Which faults a packet has been through (stack.h). Included by every network fault. */
#pragma once

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "injector/bpf/stack.h"

struct stack stack = {}; /* set before the fault is armed */

static __always_inline __u32 mask_of(const struct __sk_buff* skb) { return skb->tc_index >> 8 == stack.tag ? skb->tc_index & 0xff : 0; }

/* Whether this fault has had the packet already. */
static __always_inline int has_been_through(const struct __sk_buff* skb) { return mask_of(skb) & stack.bit; }

/* From here on it has. */
static __always_inline void note_been_through(struct __sk_buff* skb) {
    skb->tc_index = (__u16)((__u32)stack.tag << 8 | mask_of(skb) | stack.bit);
}
