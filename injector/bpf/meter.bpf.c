/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/* Counts what matches in control.hits, and lets everything pass. */
#include "injector/bpf/meter.h"

#include "injector/bpf/http1_method.bpf.h"
#include "injector/bpf/packet.bpf.h"
#include "injector/bpf/terms.bpf.h"

#define SYN 2
#define ACK 16
#define DNS_HEADER 12 /* RFC 1035 §4.1.1 */

const volatile struct meter meter = {};

static __always_inline int listed(__u16 port) {
    for (__u32 i = 0; i < METER_PORTS && i < meter.ports; i++)
        if (meter.port[i] == port) return 1;
    return 0;
}

static __always_inline int port_matches(const struct packet* p) {
    if (meter.ports == 0 || listed(p->destination_port)) return 1;
    return meter.count == METER_PACKETS && listed(p->source_port);
}

static __always_inline int is_query(struct __sk_buff* skb, const struct packet* p) {
    __u8 flags = 0;
    if (p->protocol != IPPROTO_UDP || p->end - p->payload < DNS_HEADER) return 0;
    return bpf_skb_load_bytes(skb, p->payload + 2, &flags, 1) == 0 && !(flags & 0x80);
}

static __always_inline int is_request(struct __sk_buff* skb, const struct packet* p) {
    __u64 line = 0;
    if (p->protocol != IPPROTO_TCP || p->end - p->payload < sizeof line) return 0;
    return bpf_skb_load_bytes(skb, p->payload, &line, sizeof line) == 0 && http1_method(line) != 0;
}

static __always_inline __u32 packets(const struct __sk_buff* skb) { return skb->gso_segs ? skb->gso_segs : 1; }

/* How many of what is counted this packet is. */
static __always_inline __u32 amount(struct __sk_buff* skb, __u32 l3) {
    struct packet p;
    if (meter.count == METER_PACKETS && meter.ports == 0)
        return skb->protocol == bpf_htons(ETH_P_IP) || skb->protocol == bpf_htons(ETH_P_IPV6) ? packets(skb) : 0;
    if (!parse(skb, l3, &p) || !port_matches(&p)) return 0;
    switch (meter.count) {
        case METER_PACKETS:
            return packets(skb);
        case METER_CONNECTIONS:
            return p.protocol == IPPROTO_TCP && (p.tcp_flags & (SYN | ACK)) == SYN;
        case METER_DNS_QUERIES:
            return is_query(skb, &p);
        default:
            return is_request(skb, &p);
    }
}

static __always_inline int act(struct __sk_buff* skb, __u32 l3, int direction) {
    if ((skb->tc_index & 0xff) && skb->tc_index >> 8 == meter.tag) return NEXT;
    __u32 n = amount(skb, l3);
    if (n == 0 || (direction == EGRESS && !in_scope(skb)) || !in_force()) return NEXT;
    __sync_fetch_and_add(&control.hits, n);
    return NEXT;
}

TC_PROGRAMS(act)
