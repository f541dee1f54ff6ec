/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/* Matching packets take a way through a helper device that delays, paces or damages them; all others go on as if we were not
   there. The program of latency, reorder, corrupt and bandwidth. */
#include "injector/bpf/choice.bpf.h"
#include "injector/bpf/helper.bpf.h"

const volatile __u32 skip_handshake = 0;

static __always_inline int is_handshake(struct __sk_buff* skb, __u32 l3) {
    struct packet p;
    return parse(skb, l3, &p) && p.protocol == IPPROTO_TCP && (p.tcp_flags & 2 /* SYN */);
}

static __always_inline int act(struct __sk_buff* skb, __u32 l3, int direction) {
    if (has_been_through(skb)) return NEXT;
    if (!matches(skb, l3, 1 << direction)) return NEXT;
    if (direction == EGRESS && !in_scope(skb)) return NEXT;
    if (skip_handshake && is_handshake(skb, l3)) return NEXT;
    if (!in_force()) return NEXT;
    if (!is_hit(skb)) {
        note_been_through(skb);
        return NEXT;
    }
    return send_through(skb, l3, direction);
}

TC_PROGRAMS(act)

/* On the helper, in the target's namespace. */
SEC("tc") int returned(struct __sk_buff* skb) { return give_back_hit(skb); }

/* On the far end of a veth helper: back out of it, through its queue. */
SEC("tc") int reflect(struct __sk_buff* skb) { return (int)bpf_redirect(skb->ifindex, 0); }
