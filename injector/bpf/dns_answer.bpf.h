/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/* Makes a DNS query over UDP that lies in memory into its answer. Checksums are mended by what changed, never made anew: at
   egress the field may hold the pseudo-header's sum only (CHECKSUM_PARTIAL). */
#pragma once

#include "injector/bpf/dns_query.bpf.h"

#define UDP_SIZE 8
#define TTL 64
#define OUR_LIMIT 1232  /* what our OPT says that we take: DNS flag day 2020 */
#define TO_NAME 0xc00c  /* a compression pointer to the question's name */
#define RECURSION 0x80  /* RA: without it glibc takes an empty answer for one of a lame server */
#define TRUNCATION 0x02 /* TC */
#define NXDOMAIN 3

const volatile struct dns_told told[DNS_TURNS_MAX] = {};
const volatile struct dns_soa soa = {};

static __always_inline __u16 fold(__u64 sum) {
    sum = (sum & 0xffffffff) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return (__u16)((sum & 0xffff) + (sum >> 16));
}

static __always_inline __u64 halves(__u64 word) { return (word & 0xffffffff) + (word >> 32); }

/* What replacing `from` by `to` adds to an Internet checksum (RFC 1624). */
static __always_inline __u64 change(__u16 from, __u16 to) { return (__u64)(__u16)~from + to; }

/* The sum of `size` octets, at least 1. */
static __always_inline __u64 sum_of(const __u8* bytes, __u32 size) {
    __u64 sum = 0;
    for (__u32 i = 0; i < (PACKET_MAX + 1) / 8 && size > 8; i++) {
        sum += halves(word_at(bytes));
        bytes += 8;
        size -= 8;
    }
    return sum + halves(dns_head(word_at(bytes), size));
}

static __always_inline const volatile struct dns_records* records_for(const volatile struct dns_told* now, __u16 type) {
    if (type == bpf_htons(1)) return &now->a;
    if (type == bpf_htons(28)) return &now->aaaa;
    return 0;
}

/* How many records fit; writes them behind the question. */
static __always_inline __u32 put_records(struct scratch* s, struct query* q, const volatile struct dns_records* records) {
    if (!records || records->count == 0) return 0;
    __u32 count = records->count;
    const __u32 room = q->limit - (q->tail - q->message) - q->opt * OPT_SIZE;
    if (count * records->size > room) count = room / records->size;
    q->added = count * records->size;
    __u8* to = s->packet + AT(q->tail);
    for (__u32 i = 0; i < sizeof records->bytes; i += 8) {
        if (i >= q->added) break;
        *(__u64*)(to + i) = *(const volatile __u64*)(records->bytes + i);
    }
    return count;
}

/* Writes the SOA, owned by the name that the question's is directly under; returns what it adds to a checksum. */
static __always_inline __u64 put_soa(struct scratch* s, struct query* q) {
    __u8* to = s->packet + AT(q->tail);
    for (int i = 0; i < 5; i++) *(__u64*)(to + i * 8) = *(const volatile __u64*)(soa.bytes + i * 8);
    const __u16 owner = bpf_htons(TO_NAME + (q->labels ? s->labels[1] : 0));
    put_half(to, owner);
    q->added = DNS_SOA_SIZE;
    return (__u64)soa.sum + owner;
}

/* The sum of our OPT without its flags. */
#define OPT_SUM ((OPT_TYPE << 8 | OUR_LIMIT >> 8) + (OUR_LIMIT << 8 & 0xff00)) /* the root's name is one octet: all is askew */

/* Writes our OPT; returns what it adds to a checksum. */
static __always_inline __u16 put_opt(__u8* to, __u8 flags) {
    const __u64 dnssec_ok = flags & 0x80; /* RFC 3225 §3 */
    *(__u64*)to = bpf_cpu_to_be64((__u64)OPT_TYPE << 40 | (__u64)OUR_LIMIT << 24 | dnssec_ok);
    *(__u32*)(to + 8) = 0;
    return bpf_htons((__u16)(OPT_SUM + dnssec_ok));
}

/* The sum of what the answer changes in the header: flags and counts. */
static __always_inline __u64 header_sum(const __u8* header) { return (__u64)half_at(header + 2) + halves(word_at(header + 4)); }

/* What an answer is told besides its question. */
struct section {
    __u32 answers, authorities;
    __u8 flags;  /* TC, AA */
    __u8 low;    /* RA, rcode */
    __u64 added; /* by its records to a checksum, as if they began at an even offset */
};

static __always_inline void put_section(struct scratch* s, struct query* q, const volatile struct dns_told* now, struct section* told) {
    const volatile struct dns_records* records = records_for(now, half_at(s->packet + AT(q->tail - QUESTION)));
    told->low = (q->opcode ? 0 : RECURSION) | now->rcode;
    if (q->opcode) return;
    if (now->truncated) {
        told->flags = TRUNCATION;
        return;
    }
    told->answers = put_records(s, q, records);
    if (told->answers) told->added = records->sums[told->answers & 31];
    if (records && told->answers < records->count) told->flags = TRUNCATION;
    if (!dns.negative || q->added || told->flags || (now->rcode != 0 && now->rcode != NXDOMAIN)) return;
    told->added = put_soa(s, q);
    told->authorities = 1;
}

struct copy {
    __u8* to;
    const struct dns_seen* from;
};

static long copy_word(__u32 i, void* context) {
    const struct copy* copy = context;
    const __u32 at = i * 8;
    if (at >= DNS_SEEN_SIZE) return 1;
    *(__u64*)(copy->to + at) = word_at(copy->from->body + at);
    return 0;
}

/* Puts what was seen behind the question; where the client does not take so much, TC says so. */
static __always_inline void put_seen(struct scratch* s, struct query* q, const struct dns_seen* seen, struct section* told) {
    const __u32 size = seen->size;
    told->flags = seen->flags[0];
    told->low = seen->flags[1];
    if (q->tail - q->message + size + q->opt * OPT_SIZE > q->limit || q->tail + size + OPT_SIZE > PACKET_MAX) {
        told->flags |= TRUNCATION;
        return;
    }
    struct copy copy = {.to = s->packet + AT(q->tail), .from = seen};
    bpf_loop((size + 7) / 8, copy_word, &copy, 0);
    told->answers = bpf_ntohs(seen->answers);
    told->authorities = bpf_ntohs(seen->authorities);
    told->added = seen->sum;
    q->added = size;
}

/* Flags and counts: QR, what the query asked for (opcode, RD, CD: RFC 1035 §4.1.1, RFC 4035 §3.2.2), RA, rcode. The bits beside
   the rcode are reserved in an UPDATE (RFC 2136 §2.2). */
static __always_inline void put_header(__u8* header, const struct query* q, const struct section* told) {
    header[2] = 0x80 | (header[2] & 0x79) | told->flags;
    header[3] = (q->opcode ? 0 : header[3] & 0x10) | told->low;
    put_half(header + 6, bpf_htons(told->answers));
    put_half(header + 8, bpf_htons(told->authorities));
    put_half(header + 10, bpf_htons(q->opt));
}

/* Replaces all behind the question, and the header, by those of the answer; returns what that adds to the checksum. */
static __always_inline __u64 tell(struct scratch* s, struct query* q, const volatile struct dns_told* now, const struct dns_seen* seen) {
    __u8* header = s->packet + AT(q->message);
    __u8* tail = s->packet + AT(q->tail);
    const __u8 opt_flags = tail[7];
    const __u16 before = fold(header_sum(header));
    struct section section = {};
    __u64 diff = 0;
    if (q->end != q->tail) diff = (__u16)~fold(sum_of(tail, q->end - q->tail));
    q->added = 0;
    if (seen)
        put_seen(s, q, seen, &section);
    else
        put_section(s, q, now, &section);
    diff += section.added;
    if (q->opt) {
        const __u16 opt = put_opt(s->packet + AT(q->tail + q->added), opt_flags);
        diff += q->added & 1 ? __builtin_bswap16(opt) : opt;
    }
    q->added += q->opt * OPT_SIZE;
    __u16 folded = fold(diff);
    if ((q->tail - q->l4) & 1) folded = __builtin_bswap16(folded);
    put_header(header, q, &section);
    return folded + change(before, fold(header_sum(header)));
}

static __always_inline void swap4(__u8* one, __u8* other) {
    const __u32 kept = *(__u32*)one;
    *(__u32*)one = *(__u32*)other;
    *(__u32*)other = kept;
}

static __always_inline void swap2(__u8* one, __u8* other) {
    const __u16 kept = half_at(one);
    put_half(one, half_at(other));
    put_half(other, kept);
}

/* The sum of the pseudo-header (RFC 768, RFC 8200 §8.1): the same in both directions. */
static __always_inline __u64 pseudo_sum(int is_ip4, const __u8* ip, __u16 size) {
    __u64 sum = (__u64)bpf_htons(IPPROTO_UDP) + size;
    if (is_ip4) return sum + halves(word_at(ip + 12));
    return sum + halves(word_at(ip + 8)) + halves(word_at(ip + 16)) + halves(word_at(ip + 24)) + halves(word_at(ip + 32));
}

/* What the checksum field holds. CHECKSUM_PARTIAL always has the pseudo-header's sum there. A whole checksum can have the same
   value by chance: UNSURE, ask the kernel. */
enum field { NONE, PARTIAL, FULL, UNSURE };

static __always_inline enum field field_of(const struct scratch* s, const struct query* q, const __u8* udp, __u16 pseudo, int is_ip4) {
    const __u16 check = half_at(udp + 6);
    if (is_ip4 && check == 0) return NONE;
    if (check != pseudo) return FULL;
    return fold(pseudo + sum_of(udp, q->end - q->l4)) == 0xffff ? UNSURE : PARTIAL;
}

/* Everything before the DNS message, for an answer whose UDP datagram has `size` octets. The UDP checksum stays. */
static __always_inline void turn_round(struct scratch* s, __u32 l3, __u8* udp, __u16 size, int is_ip4) {
    __u8* ip = s->packet + l3;
    const __u16 grown = size - bpf_ntohs(half_at(udp + 4));
    if (l3) {
        swap4(s->packet, s->packet + 6);
        swap2(s->packet + 4, s->packet + 10);
    }
    if (is_ip4) {
        const __u16 old_length = half_at(ip + 2), old_ttl = half_at(ip + 8);
        put_half(ip + 2, bpf_htons(bpf_ntohs(old_length) + grown));
        ip[8] = TTL;
        const __u64 diff = change(old_length, half_at(ip + 2)) + change(old_ttl, half_at(ip + 8));
        put_half(ip + 10, ~fold((__u16)~half_at(ip + 10) + diff));
        swap4(ip + 12, ip + 16);
    } else {
        put_half(ip + 4, bpf_htons(bpf_ntohs(half_at(ip + 4)) + grown));
        ip[7] = TTL;
#pragma unroll
        for (int i = 8; i < 24; i += 4) swap4(ip + i, ip + 16 + i);
    }
    swap2(udp, udp + 2);
    put_half(udp + 4, bpf_htons(size));
}

/* Turns the query into its answer: what was seen, if anything, else what is told now. 0 if it could not. Few calls: each costs as
   much as all the arithmetic. */
static __always_inline int answer(struct __sk_buff* skb, struct scratch* s, __u32 l3, struct query* q, const volatile struct dns_told* now,
                                  const struct dns_seen* seen) {
    const int is_ip4 = skb->protocol == bpf_htons(ETH_P_IP);
    __u8* udp = s->packet + AT(q->l4);
    const __u16 old_size = half_at(udp + 4), pseudo = fold(pseudo_sum(is_ip4, s->packet + l3, old_size));
    const enum field field = field_of(s, q, udp, pseudo, is_ip4);

    __u64 diff = tell(s, q, now, seen);
    const __u32 end = q->tail + q->added, check = q->l4 + 6;
    const __u16 size = bpf_htons((__u16)(end - q->l4));
    turn_round(s, l3, udp, bpf_ntohs(size), is_ip4);
    diff += change(old_size, size);
    if (field == PARTIAL) put_half(udp + 6, fold(pseudo + change(old_size, size)));
    if (field == FULL) {
        const __u16 mended = ~fold((__u16)~half_at(udp + 6) + diff + change(old_size, size));
        put_half(udp + 6, mended ? mended : 0xffff); /* RFC 768: 0 would mean that there is none */
    }
    if (end != skb->len && bpf_skb_change_tail(skb, end, 0) < 0) return 0;
    if (bpf_skb_store_bytes(skb, 0, s->packet, SIZE(end), 0) < 0) return 0;
    if (field == UNSURE) {
        bpf_l4_csum_replace(skb, check, old_size, size, BPF_F_PSEUDO_HDR | BPF_F_MARK_MANGLED_0 | 2);
        bpf_l4_csum_replace(skb, check, 0, fold(diff), BPF_F_MARK_MANGLED_0);
    }
    return 1;
}
