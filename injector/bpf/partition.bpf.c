/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/* Packets that match do not get through, and the sender is told or not. */
#include "injector/bpf/partition.h"

#include "injector/bpf/network.bpf.h"
#include "injector/bpf/refuse.bpf.h"

const volatile struct partition partition = {};

static __always_inline int refuse(struct __sk_buff* skb, struct packet* p, int direction) {
    if (p->protocol == IPPROTO_TCP && p->tcp_flags & TCP_RST) return lose(direction);
    if (!forget_hardware_sum(skb, direction)) return lose(direction);
    int done = p->protocol == IPPROTO_TCP ? tcp_become_answer(skb, p) : become_unreachable(skb, p);
    if (!done) return lose(direction);
    note_been_through(skb);
    return send_back(skb, direction);
}

/* A fragment belongs to a connection that is open, for all that can be known. */
static __always_inline int spares(const struct packet* p, int whole) {
    return partition.established == PARTITION_KEEP && (!whole || (p->protocol == IPPROTO_TCP && !(p->tcp_flags & TCP_SYN)));
}

static __always_inline int act(struct __sk_buff* skb, __u32 l3, int direction) {
    struct packet p;
    if (!concerns(skb, l3, direction)) return NEXT;
    int whole = parse(skb, l3, &p);
    if (spares(&p, whole)) return NEXT;
    if (!chosen(COUNT(matched))) {
        note_been_through(skb);
        return NEXT;
    }
    COUNT(hits);
    if (!whole) return lose(direction);
    int open = p.protocol == IPPROTO_TCP && !(p.tcp_flags & TCP_SYN);
    return partition.reject || (open && partition.established == PARTITION_CUT) ? refuse(skb, &p, direction) : lose(direction);
}

TC_PROGRAMS(act)
