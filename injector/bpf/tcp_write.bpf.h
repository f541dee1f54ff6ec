/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/* Changes to a TCP packet in place, on either side of the stack, whatever its checksum is at that moment:
   - CHECKSUM_PARTIAL (local senders, GSO, GRO, veth, lo): the field holds the sum of the pseudo-header only, and the rest is
     added later. bpf_l4_csum_replace without BPF_F_PSEUDO_HDR then leaves it alone (net/core/utils.c,
     inet_proto_csum_replace_by_diff), as it must.
   - a whole checksum: the difference is applied. A changed payload and its changed checksum cancel out, so skb->csum of
     CHECKSUM_COMPLETE stays right and bpf_skb_store_bytes takes no BPF_F_RECOMPUTE_CSUM. */
#pragma once

#include "injector/bpf/packet.bpf.h"

#define TCP_CHECKSUM 16 /* offset in the TCP header */
#define TCP_RST_ACK 0x14

/* `size` bytes of payload at `at`, which were `was`, become `now`: two buffers padded with zeros to a multiple of four bytes,
   at most 64. Returns 0, with nothing changed, if they cannot be written. */
static __always_inline int tcp_write(struct __sk_buff* skb, const struct packet* p, __u32 at, void* was, void* now, __u32 size) {
    __u32 padded = (size + 3) & ~3U;
    if (bpf_skb_store_bytes(skb, at, now, size, 0) < 0) return 0;
    __u32 difference = (__u32)bpf_csum_diff(was, padded, now, padded, 0);
    /* A checksum adds 16-bit words: at an odd offset every byte weighs as its neighbour would (RFC 1071 §2). */
    if ((at - p->l4) & 1) difference = difference >> 8 | difference << 24;
    bpf_l4_csum_replace(skb, p->l4 + TCP_CHECKSUM, 0, difference, 0);
    return 1;
}

/* The new length in the IP header, which is not part of the TCP checksum. */
static __always_inline void ip_set_end(struct __sk_buff* skb, const struct packet* p, __u32 end) {
    __be16 was = 0, now;
    if (p->version == 6) {
        now = bpf_htons(end - p->l3 - sizeof(struct ipv6hdr));
        bpf_skb_store_bytes(skb, p->l3 + __builtin_offsetof(struct ipv6hdr, payload_len), &now, 2, 0);
        return;
    }
    now = bpf_htons(end - p->l3);
    bpf_skb_load_bytes(skb, p->l3 + __builtin_offsetof(struct iphdr, tot_len), &was, 2);
    bpf_l3_csum_replace(skb, p->l3 + __builtin_offsetof(struct iphdr, check), was, now, 2);
    bpf_skb_store_bytes(skb, p->l3 + __builtin_offsetof(struct iphdr, tot_len), &now, 2, 0);
}

/* The whole checksum of a TCP header without payload, its own field being 0. The addresses may be summed as ::ffff:a.b.c.d:
   0xffff is the zero of this sum. */
static __always_inline __u16 tcp_header_sum(struct packet* p, struct tcphdr* tcp) {
    __be32 rest[2] = {bpf_htonl(sizeof *tcp), bpf_htonl(IPPROTO_TCP)};
    __s64 sum = bpf_csum_diff(0, 0, (__be32*)p->source, 16, 0);
    sum = bpf_csum_diff(0, 0, (__be32*)p->destination, 16, (__u32)sum);
    sum = bpf_csum_diff(0, 0, rest, sizeof rest, (__u32)sum);
    sum = bpf_csum_diff(0, 0, (__be32*)tcp, sizeof *tcp, (__u32)sum);
    __u32 folded = ((__u32)sum & 0xffff) + ((__u32)sum >> 16);
    return (__u16) ~((folded & 0xffff) + (folded >> 16));
}

/* Whether the checksum field holds a whole checksum: with CHECKSUM_PARTIAL this replacement changes nothing. The field is
   spoilt otherwise, for the caller to write anew. */
static __always_inline int tcp_sum_is_whole(struct __sk_buff* skb, const struct packet* p, __u16 sum) {
    __u16 after = sum;
    bpf_l4_csum_replace(skb, p->l4 + TCP_CHECKSUM, 0, 1, 0);
    bpf_skb_load_bytes(skb, p->l4 + TCP_CHECKSUM, &after, sizeof after);
    return after != sum;
}

/* Cuts the packet down to its TCP header, and reads that: no options, no payload; a GSO packet becomes one plain segment
   (bpf_skb_change_tail drops the segmentation). Returns 0, with nothing changed, where that cannot be done. */
static __always_inline int tcp_cut(struct __sk_buff* skb, const struct packet* p, struct tcphdr* tcp) {
    /* behind a routing header the checksum is for another address; behind others nobody sends a TCP response */
    if (p->version == 6 && p->l4 != p->l3 + sizeof(struct ipv6hdr)) return 0;
    if (bpf_skb_load_bytes(skb, p->l4, tcp, sizeof *tcp) < 0) return 0;
    return bpf_skb_change_tail(skb, p->l4 + sizeof *tcp, 0) == 0;
}

/* Puts the header that tcp_cut() read back, changed, with its checksum and the new length. `p` is as it was before. */
static __always_inline void tcp_put(struct __sk_buff* skb, struct packet* p, struct tcphdr* tcp) {
    int whole = tcp_sum_is_whole(skb, p, tcp->check);
    tcp->doff = sizeof *tcp / 4;
    tcp->window = tcp->urg_ptr = 0;
    if (whole) {
        tcp->check = 0;
        tcp->check = tcp_header_sum(p, tcp);
    }
    bpf_skb_store_bytes(skb, p->l4, tcp, sizeof *tcp, 0);
    if (!whole) bpf_l4_csum_replace(skb, p->l4 + TCP_CHECKSUM, bpf_htonl(p->end - p->l4), bpf_htonl(sizeof *tcp), BPF_F_PSEUDO_HDR | 4);
    ip_set_end(skb, p, p->l4 + sizeof *tcp);
}

/* The packet becomes a RST of its own connection, in place and in the same direction. `seq` is what the receiver expects next:
   RFC 5961 §3.2 accepts no other. Returns 0, with nothing changed, where that cannot be done. */
static __always_inline int tcp_become_reset(struct __sk_buff* skb, struct packet* p, __u32 seq) {
    struct tcphdr tcp;
    if (!tcp_cut(skb, p, &tcp)) return 0;
    tcp.seq = bpf_htonl(seq);
    ((__u8*)&tcp)[13] = TCP_RST_ACK;
    tcp_put(skb, p, &tcp);
    return 1;
}
