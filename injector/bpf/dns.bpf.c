// SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0)
/* Turns DNS queries over UDP into their answers, in place, and those over TCP into resets. Elsewhere than on `lo` the answer is
   then redirected to where it would have come from; on `lo`, where what leaves also arrives, it goes on as it is. With a delay a
   query goes through a helper device first, and comes by here again. */
#include "injector/bpf/dns.h"

#include "injector/bpf/terms.bpf.h"

#include "injector/bpf/dns_answer.bpf.h"
#include "injector/bpf/dns_stale.bpf.h"
#include "injector/bpf/dns_tcp.bpf.h"
#include "injector/bpf/helper.bpf.h"

struct {
    __uint(type, BPF_MAP_TYPE_LPM_TRIE);
    __uint(max_entries, 1); /* set by the injection */
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, struct dns_server);
    __type(value, __u8);
} servers SEC(".maps");

static __noinline int unseen(void) {
    if (in_force()) COUNT(unseen);
    return NEXT;
}

static __always_inline int is_server(const struct dns_server* key, int is_ip4) {
    const __u8* found = bpf_map_lookup_elem(&servers, key);
    return found && (*found || !is_ip4);
}

/* `role`: 0 if the server is the source of the packet, 1 if it is its destination. */
static __always_inline int for_server(const struct __sk_buff* skb, const __u8* ip, int role) {
    if (dns.every_server) return 1;
    struct dns_server key = {.bits = 128};
    const int is_ip4 = skb->protocol == bpf_htons(ETH_P_IP);
    if (is_ip4) {
        key.address[10] = key.address[11] = 0xff;
        __builtin_memcpy(key.address + 12, ip + 12 + role * 4, 4);
    } else {
        __builtin_memcpy(key.address, ip + 8 + role * 16, 16);
    }
    return is_server(&key, is_ip4);
}

static __always_inline int goes_to_server(const struct packet* p) {
    if (dns.every_server) return 1;
    struct dns_server key = {.bits = 128};
    __builtin_memcpy(key.address, p->destination, sizeof key.address);
    return is_server(&key, p->version == 4);
}

/* What is told now. */
static __always_inline const volatile struct dns_told* told_now(void) {
    if (dns.turn_ns == 0) return &told[0];
    const __u64 now = tick(), elapsed = now > control.armed_ns ? now - control.armed_ns : 0;
    return &told[elapsed / dns.turn_ns % dns.turns & (DNS_TURNS_MAX - 1)];
}

/* Headers that can be turned round: one datagram, to one host, with no IPv4 options. */
static __always_inline int turnable(struct __sk_buff* skb, const __u8* ip, const __u8* udp, __u32 l3, const struct query* q) {
    const __u32 size = q->end - l3;
    if (skb->gso_size) return 0;
    if (skb->protocol == bpf_htons(ETH_P_IP)) return ip[0] == 0x45 && bpf_ntohs(half_at(ip + 2)) == size && ip[16] < 224;
    return bpf_ntohs(half_at(ip + 4)) + 40u == size && ip[24] != 0xff && half_at(udp + 6) != 0;
}

/* Whether the query was delayed, and is on its way again: it was chosen then. */
static __always_inline int is_back(const struct __sk_buff* skb) { return dns.delays && has_been_through(skb); }

static __always_inline int acts_on(const struct __sk_buff* skb) { return is_back(skb) ? lasting(tick()) : in_force(); }

/* Its own cgroup is forgotten on the way. */
static __always_inline int out_of_scope(struct __sk_buff* skb, int direction) {
    return direction == EGRESS && !is_back(skb) && !in_scope(skb);
}

/* What was delayed is counted where it comes back. */
static __always_inline void count_hit(void) {
    if (!dns.delays) COUNT(hits);
}

static __always_inline int swallow(int direction) {
    count_hit();
    return direction == EGRESS ? VANISH() : SHOT;
}

static __always_inline int send_back(const struct __sk_buff* skb, int direction) {
    count_hit();
    if (skb->ifindex == LOOPBACK_IFINDEX) return NEXT;
    return (int)bpf_redirect(skb->ifindex, direction == EGRESS ? BPF_F_INGRESS : 0);
}

/* A matching query over UDP, and what becomes of it. */
static __always_inline int datagram(struct __sk_buff* skb, struct scratch* s, __u32 l3, struct query* q, int direction) {
    const __u8* udp = s->packet + AT(q->l4);
    if (direction == INGRESS && skb->pkt_type != 0 /* PACKET_HOST: to us */) return unseen();
    if (!acts_on(skb)) return NEXT;
    const volatile struct dns_told* now = told_now();
    if (dns.turns && !now->silent && (!turnable(skb, s->packet + l3, udp, l3, q) || !read_tail(s, q))) return unseen();
    if (!is_back(skb) && !chosen(COUNT(matched))) return NEXT;
    if (dns.delays && !is_back(skb)) return send_through(skb, l3, direction);
    if (!dns.turns) return NEXT;
    if (now->silent) return swallow(direction);
    const struct dns_seen* seen = now->stale ? seen_answer(s, q) : 0;
    if (now->stale && !seen) return NEXT; /* the answer to this one will be */
    /* A hardware sum of what arrived (CHECKSUM_COMPLETE) would be wrong now; a packet that has grown has none. */
    if (direction == INGRESS && (long)bpf_csum_update(skb, 0) >= 0 && bpf_skb_change_tail(skb, skb->len + 1, 0) < 0) return unseen();
    if (!answer(skb, s, l3, q, now, seen)) return SHOT; /* out of memory halfway: as good as lost on the wire */
    return send_back(skb, direction);
}

/* A matching query over TCP. One that was told to come back over TCP finds the server. */
static __always_inline int segment(struct __sk_buff* skb, const struct scratch* s, struct packet* p, int direction) {
    if (!acts_on(skb)) return NEXT;
    const volatile struct dns_told* now = told_now();
    if (now->truncated || (!is_back(skb) && !chosen(COUNT(matched)))) return NEXT;
    if (dns.delays && !is_back(skb)) return send_through(skb, p->l3, direction);
    if (!dns.turns || (now->stale && !seen_answer(s, &s->query))) return NEXT;
    if (now->silent) return swallow(direction);
    return refuse(skb, p) ? send_back(skb, direction) : unseen();
}

/* The whole packet, in memory; of one that nothing is told its beginning will do. */
static __always_inline struct scratch* load(struct __sk_buff* skb) {
    const __u32 zero = 0;
    __u32 size = skb->len;
    if (size > PACKET_MAX) {
        if (dns.turns) return 0;
        size = PACKET_MAX;
    }
    struct scratch* s = bpf_map_lookup_elem(&scratches, &zero);
    return s && bpf_skb_load_bytes(skb, 0, s->packet, SIZE(size)) == 0 ? s : 0;
}

static __always_inline int over_udp(struct __sk_buff* skb, __u32 l3, __u32 l4, int direction) {
    if (out_of_scope(skb, direction)) return NEXT;
    struct scratch* s = load(skb);
    if (!s) return unseen();
    struct query* q = &s->query;
    q->l4 = l4;
    q->message = l4 + UDP_SIZE;
    q->end = l4 + bpf_ntohs(half_at(s->packet + AT(l4 + 4)));
    if (q->end > skb->len) return unseen();
    if (q->end > PACKET_MAX) q->end = PACKET_MAX;
    const enum reading reading = read_query(s);
    if (reading == DUBIOUS) return unseen();
    if (reading == FOREIGN || !for_server(skb, s->packet + l3, 1)) return NEXT;
    return datagram(skb, s, l3, q, direction);
}

static __always_inline int over_tcp(struct __sk_buff* skb, struct scratch* s, int direction) {
    struct packet* p = &s->parsed;
    if (p->end <= p->payload || !goes_to_server(p) || out_of_scope(skb, direction)) return NEXT;
    return holds_query(skb, s) ? segment(skb, s, p, direction) : NEXT;
}

/* A datagram from a server. */
static __always_inline int response(struct __sk_buff* skb, __u32 l3, __u32 l4) {
    struct scratch* s = load(skb);
    if (!s) return NEXT;
    struct query* q = &s->query;
    q->message = l4 + UDP_SIZE;
    q->end = l4 + bpf_ntohs(half_at(s->packet + AT(l4 + 4)));
    if (q->end <= skb->len && q->message + HEADER <= q->end && for_server(skb, s->packet + l3, 0)) remember(skb, s);
    return NEXT;
}

/* What glance() could not make out, and TCP: fewer, so they may cost more. */
static __noinline int look_closer(struct __sk_buff* skb, __u32 l3, int direction) {
    const __u32 zero = 0;
    struct scratch* s = bpf_map_lookup_elem(&scratches, &zero);
    if (!s) return NEXT;
    struct packet* p = &s->parsed;
    if (!parse(skb, l3, p) || bpf_htons(p->destination_port) != dns.port) return NEXT;
    if (p->protocol != IPPROTO_UDP && p->protocol != IPPROTO_TCP) return NEXT;
    if (p->routed) return p->protocol == IPPROTO_UDP ? unseen() : NEXT;
    return p->protocol == IPPROTO_UDP ? over_udp(skb, l3, p->l4, direction) : over_tcp(skb, s, direction);
}

static __always_inline int act(struct __sk_buff* skb, __u32 l3, int direction) {
    __be16 source = 0, destination = 0;
    enum glance seen = glance(skb, l3, IPPROTO_UDP, &source, &destination);
    if (seen == PORTS_KNOWN) {
        if (destination != dns.port && !(dns.remembers && source == dns.port)) return NEXT;
        const __u32 l4 = l3 + (skb->protocol == bpf_htons(ETH_P_IP) ? sizeof(struct iphdr) : sizeof(struct ipv6hdr));
        return destination == dns.port ? over_udp(skb, l3, l4, direction) : response(skb, l3, l4);
    }
    if (seen == NOT_MINE) {
        seen = glance(skb, l3, IPPROTO_TCP, &source, &destination);
        if (seen == NOT_MINE || (seen == PORTS_KNOWN && destination != dns.port)) return NEXT;
    }
    return look_closer(skb, l3, direction);
}

TC_PROGRAMS(act)

/* Loaded only where there is a helper, on its two ends: as in latency.bpf.c. */
SEC("tc") int returned(struct __sk_buff* skb) { return give_back_hit(skb); }
SEC("tc") int reflect(struct __sk_buff* skb) { return (int)bpf_redirect(skb->ifindex, 0); }
