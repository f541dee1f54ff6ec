/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/* Matching packets take a way through a helper device that delays them; all others go on as if we were not there. */
#include "injector/bpf/terms.bpf.h"

#include "injector/bpf/helper.bpf.h"
#include "injector/bpf/match.bpf.h"

static __always_inline int act(struct __sk_buff* skb, __u32 l3, int direction) {
    if (has_been_through(skb)) return NEXT;
    if (!matches(skb, l3, direction)) return NEXT;
    if (direction == EGRESS && !in_scope(skb)) return NEXT;
    if (!in_force()) return NEXT;
    if (!chosen(__sync_fetch_and_add(&control.matched, 1))) return NEXT;
    return send_through(skb, l3, direction);
}

TC_PROGRAMS(act)

/* On the helper, in the target's namespace. */
SEC("tc") int returned(struct __sk_buff* skb) { return give_back(skb); }

/* On the far end of a veth helper: back out of it, through its queue. */
SEC("tc") int reflect(struct __sk_buff* skb) { return (int)bpf_redirect(skb->ifindex, 0); }
