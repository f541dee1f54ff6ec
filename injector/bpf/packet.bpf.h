/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/* One parser for IPv4 and IPv6, with or without an Ethernet header: the rest of a program does not care which it was. */
#pragma once

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/types.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

/* tcx (include/uapi/linux/bpf.h of Linux 6.6) and clsact agree on the numbers: -1 goes on to the next program,
   TC_ACT_UNSPEC there. TCX_DROP at egress makes sendto() fail for callers with IP_RECVERR (glibc's resolver): VANISH does not. */
#define NEXT (-1)
#define SHOT 2
/* A redirect to a device that is not there: consumed in silence, and the sender is told that it was sent. */
#define VANISH() bpf_redirect(0x7fffffff, 0)

#define LOOPBACK_IFINDEX 1

enum { EGRESS = 0, INGRESS = 1 };

#define IP_FRAGMENT 0x3fff /* more fragments, or an offset */
#define IPV6_EXTENSIONS 6  /* how many extension headers are followed */

struct packet {
    __u8 source[16]; /* network byte order; IPv4 as ::ffff:a.b.c.d */
    __u8 destination[16];
    __u16 source_port; /* host byte order; 0 for other protocols than TCP and UDP */
    __u16 destination_port;
    __u32 l3; /* offsets from the start of the packet */
    __u32 l4;
    __u32 payload;
    __u32 end;     /* of the IP packet: link-layer padding is not part of it */
    __u8 protocol; /* IPPROTO_… of the upper layer */
    __u8 version;  /* 4 or 6 */
    __u8 icmp_type;
    __u8 routed;    /* has an IPv6 routing header: the destination above may not be the last */
    __u8 tcp_flags; /* the byte of FIN, SYN, RST, PSH, ACK … */
    __u32 seq;      /* host byte order, TCP only */
    __u32 ack;
};

static __always_inline void set_ip4(struct packet* p, __be32 source, __be32 destination) {
    const __be32 mapped[4] = {0, 0, bpf_htonl(0xffff), 0};
    __builtin_memcpy(p->source, mapped, 12);
    __builtin_memcpy(p->source + 12, &source, 4);
    __builtin_memcpy(p->destination, mapped, 12);
    __builtin_memcpy(p->destination + 12, &destination, 4);
}

static __always_inline int parse_ip4(struct __sk_buff* skb, struct packet* p) {
    struct iphdr ip;
    if (bpf_skb_load_bytes(skb, p->l3, &ip, sizeof ip) < 0 || ip.version != 4 || ip.ihl < 5) return 0;
    if (ip.frag_off & bpf_htons(IP_FRAGMENT)) return 0;
    p->version = 4;
    p->protocol = ip.protocol;
    p->l4 = p->l3 + ip.ihl * 4;
    /* a GSO packet above 64 KiB (BIG TCP) has a length of 0 */
    p->end = ip.tot_len ? p->l3 + bpf_ntohs(ip.tot_len) : skb->len;
    set_ip4(p, ip.saddr, ip.daddr);
    return 1;
}

static __always_inline int parse_ip6(struct __sk_buff* skb, struct packet* p) {
    struct ipv6hdr ip;
    if (bpf_skb_load_bytes(skb, p->l3, &ip, sizeof ip) < 0 || ip.version != 6) return 0;
    p->version = 6;
    p->end = ip.payload_len ? p->l3 + 40 + bpf_ntohs(ip.payload_len) : skb->len;
    __builtin_memcpy(p->source, &ip.saddr, 16);
    __builtin_memcpy(p->destination, &ip.daddr, 16);
    __u8 next = ip.nexthdr;
    __u32 at = p->l3 + 40;
#pragma unroll
    for (int i = 0; i < IPV6_EXTENSIONS; i++) {
        /* hop-by-hop, routing, destination options; a fragment (44) is not ours */
        if (next != 0 && next != 43 && next != 60) break;
        if (next == 43) p->routed = 1;
        __u8 extension[2];
        if (bpf_skb_load_bytes(skb, at, extension, 2) < 0) return 0;
        next = extension[0];
        at += (extension[1] + 1) * 8;
    }
    p->protocol = next;
    p->l4 = at;
    return next != 44;
}

static __always_inline void set_tcp(struct packet* p, const struct tcphdr* tcp) {
    p->source_port = bpf_ntohs(tcp->source);
    p->destination_port = bpf_ntohs(tcp->dest);
    p->seq = bpf_ntohl(tcp->seq);
    p->ack = bpf_ntohl(tcp->ack_seq);
    p->tcp_flags = ((const __u8*)tcp)[13];
    p->payload = p->l4 + tcp->doff * 4;
}

static __always_inline int parse_l4(struct __sk_buff* skb, struct packet* p) {
    if (p->protocol == IPPROTO_TCP) {
        struct tcphdr tcp;
        if (bpf_skb_load_bytes(skb, p->l4, &tcp, sizeof tcp) < 0 || tcp.doff < 5) return 0;
        set_tcp(p, &tcp);
    } else if (p->protocol == IPPROTO_UDP) {
        struct udphdr udp;
        if (bpf_skb_load_bytes(skb, p->l4, &udp, sizeof udp) < 0) return 0;
        p->source_port = bpf_ntohs(udp.source);
        p->destination_port = bpf_ntohs(udp.dest);
        p->payload = p->l4 + sizeof udp;
    } else {
        if (p->protocol == IPPROTO_ICMP || p->protocol == IPPROTO_ICMPV6) bpf_skb_load_bytes(skb, p->l4, &p->icmp_type, 1);
        p->payload = p->l4;
    }
    return p->payload <= p->end && p->end <= skb->len;
}

/* Parses a packet that begins with an Ethernet header (l3 = 14) or with IP (l3 = 0). Returns 0 for what is not a whole
   IPv4 or IPv6 packet that can be read safely: fragments, truncated headers, other protocols. Such a packet passes. */
static __always_inline int parse(struct __sk_buff* skb, __u32 l3, struct packet* p) {
    __builtin_memset(p, 0, sizeof *p);
    p->l3 = l3;
    int known = 0;
    if (skb->protocol == bpf_htons(ETH_P_IP)) known = parse_ip4(skb, p);
    if (skb->protocol == bpf_htons(ETH_P_IPV6)) known = parse_ip6(skb, p);
    return known && parse_l4(skb, p);
}

/* For programs that every data packet has to pass: TCP right behind IP, and both in the linear head, as most packets are, is read in
   place, which is quicker than copies are. Returns 0, with nothing promised about `p`, for any other packet: ask parse(). */
static __always_inline int parse_plain_tcp(struct __sk_buff* skb, __u32 l3, struct packet* p) {
    void* data = (void*)(long)skb->data;
    void* data_end = (void*)(long)skb->data_end;
    const struct tcphdr* tcp;
    if (skb->protocol == bpf_htons(ETH_P_IP)) {
        const struct iphdr* ip = data + l3;
        tcp = (const void*)(ip + 1);
        if ((const void*)(tcp + 1) > data_end || ip->version != 4 || ip->ihl != 5 || ip->protocol != IPPROTO_TCP || !ip->tot_len ||
            ip->frag_off & bpf_htons(IP_FRAGMENT))
            return 0;
        p->version = 4;
        p->l4 = l3 + sizeof *ip;
        p->end = l3 + bpf_ntohs(ip->tot_len);
        set_ip4(p, ip->saddr, ip->daddr);
    } else {
        const struct ipv6hdr* ip = data + l3;
        tcp = (const void*)(ip + 1);
        if (skb->protocol != bpf_htons(ETH_P_IPV6) || (const void*)(tcp + 1) > data_end || ip->version != 6 || ip->nexthdr != IPPROTO_TCP ||
            !ip->payload_len)
            return 0;
        p->version = 6;
        p->l4 = l3 + sizeof *ip;
        p->end = p->l4 + bpf_ntohs(ip->payload_len);
        __builtin_memcpy(p->source, &ip->saddr, 16);
        __builtin_memcpy(p->destination, &ip->daddr, 16);
    }
    p->l3 = l3;
    p->protocol = IPPROTO_TCP;
    p->icmp_type = p->routed = 0;
    set_tcp(p, tcp);
    return tcp->doff >= 5 && p->payload <= p->end && p->end <= skb->len;
}

/* A look at what is in the linear head, for the way out of packets that are none of ours: parse() costs several times as
   much. Returns NOT_MINE if the packet surely is no unfragmented `protocol` (IPPROTO_TCP or IPPROTO_UDP); PORTS_KNOWN with
   both ports in network byte order; or UNCLEAR (extension headers, options, a short head): ask parse(). */
enum glance { NOT_MINE, PORTS_KNOWN, UNCLEAR };

static __always_inline enum glance glance(struct __sk_buff* skb, __u32 l3, __u8 protocol, __be16* source, __be16* destination) {
    void* data = (void*)(long)skb->data;
    void* end = (void*)(long)skb->data_end;
    struct udphdr* ports; /* TCP has its ports at the same place */
    if (skb->protocol == bpf_htons(ETH_P_IP)) {
        struct iphdr* ip = data + l3;
        if ((void*)(ip + 1) > end) return UNCLEAR;
        if (ip->protocol != protocol || (ip->frag_off & bpf_htons(IP_FRAGMENT))) return NOT_MINE;
        if (ip->ihl != 5) return UNCLEAR;
        ports = (void*)(ip + 1);
    } else if (skb->protocol == bpf_htons(ETH_P_IPV6)) {
        struct ipv6hdr* ip = data + l3;
        if ((void*)(ip + 1) > end) return UNCLEAR;
        if (ip->nexthdr == 0 || ip->nexthdr == 43 || ip->nexthdr == 60) return UNCLEAR;
        if (ip->nexthdr != protocol) return NOT_MINE;
        ports = (void*)(ip + 1);
    } else {
        return NOT_MINE;
    }
    if ((void*)(ports + 1) > end) return UNCLEAR;
    *source = ports->source;
    *destination = ports->dest;
    return PORTS_KNOWN;
}

/* The four programs of a fault that works on packets: one inline, thin wrappers. The injection attaches by these names. */
#define TC_PROGRAMS(act)                                                                                 \
    SEC("tc") int egress_l2(struct __sk_buff* skb) { return act(skb, sizeof(struct ethhdr), EGRESS); }   \
    SEC("tc") int ingress_l2(struct __sk_buff* skb) { return act(skb, sizeof(struct ethhdr), INGRESS); } \
    SEC("tc") int egress_l3(struct __sk_buff* skb) { return act(skb, 0, EGRESS); }                       \
    SEC("tc") int ingress_l3(struct __sk_buff* skb) { return act(skb, 0, INGRESS); }
