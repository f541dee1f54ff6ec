/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/* What the network faults that act in their own program share: whether a packet is theirs, once, and how it is lost.
   They are attached to `lo` at egress only, where every packet passes whichever way it is looked at. */
#pragma once

#include "injector/bpf/terms.bpf.h"

#include "injector/bpf/match.bpf.h"
#include "injector/bpf/stack.bpf.h"

/* Whether the packet matches, has not been looked at before, is in scope, and the fault is in force. */
static __always_inline int concerns(struct __sk_buff* skb, __u32 l3, int direction) {
    if (has_been_through(skb)) return 0;
    if (!matches(skb, l3, skb->ifindex == LOOPBACK_IFINDEX ? (int)match.ways : 1 << direction)) return 0;
    if (direction == EGRESS && !in_scope(skb)) return 0;
    return in_force();
}

/* Lost as on a wire: a sender on this host is not told. */
static __always_inline int lose(int direction) { return direction == EGRESS ? VANISH() : SHOT; }

#define TRIALS_MOST 64

/* How many trials a packet counts for: one, or (`per_segment`) one for each packet that it becomes on a wire. */
static __always_inline __u32 trials_of(const struct __sk_buff* skb, __u32 per_segment) {
    __u32 segments = per_segment ? skb->gso_segs : 1;
    return segments == 0 ? 1 : segments < TRIALS_MOST ? segments : TRIALS_MOST;
}
