/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/* A share of the packets that match is lost. */
#include "injector/bpf/choice.bpf.h"

static __always_inline int act(struct __sk_buff* skb, __u32 l3, int direction) {
    if (!concerns(skb, l3, direction)) return NEXT;
    if (is_hit(skb)) {
        COUNT(hits);
        return lose(direction);
    }
    note_been_through(skb);
    return NEXT;
}

TC_PROGRAMS(act)
