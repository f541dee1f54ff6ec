/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/* A share of the packets that match is sent twice, the second right behind the first. */
#include "injector/bpf/choice.bpf.h"

static __always_inline int act(struct __sk_buff* skb, __u32 l3, int direction) {
    if (!concerns(skb, l3, direction)) return NEXT;
    note_been_through(skb); /* the duplicate as well, or there would be no end of it */
    if (!is_hit(skb)) return NEXT;
    if (bpf_clone_redirect(skb, skb->ifindex, direction == INGRESS ? BPF_F_INGRESS : 0) == 0)
        COUNT(hits);
    else
        COUNT(unseen);
    return NEXT;
}

TC_PROGRAMS(act)
