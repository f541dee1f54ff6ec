// SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0)
/* Turns DNS queries over UDP into their answers, in place. Elsewhere than on `lo` the answer is then redirected to where it
   would have come from; on `lo`, where what leaves also arrives, it goes on as it is. */
#include "injector/bpf/dns.h"

#include "injector/bpf/packet.bpf.h"
#include "injector/bpf/terms.bpf.h"

#define HEADER 12   /* RFC 1035 §4.1.1 */
#define QUESTION 4  /* type and class, after the name */
#define OPT_SIZE 11 /* an OPT record without options: RFC 6891 §6.1.2 */
#define OPT_TYPE 41
#define UDP_SIZE 8
#define TTL 64
#define SMALLEST_LIMIT 512 /* of a response: RFC 1035 §4.2.1 */
#define OUR_LIMIT 1232     /* what our OPT says that we take: DNS flag day 2020 */

#define SHALLOW 8 /* labels */

/* Of a whole query, link-layer header included: one of 512 octets fits behind IPv6 with extension headers. */
#define PACKET_MAX 1023
#define AT(i) ((i)&PACKET_MAX)  /* an index that the verifier can trust */
#define SIZE(n) (AT((n)-1) + 1) /* a size likewise, never 0 */

const volatile struct dns_fault dns = {};
const volatile struct dns_records a_records = {};
const volatile struct dns_records aaaa_records = {};
const volatile __u8 types[65536 / 8] = {}; /* bit per type */

static __always_inline int asked_for(__u32 type) {
    __u32 byte = type >> 3;
    /* Up to Linux 6.12 the verifier forgets that a swapped __be16 has 16 bits, and the compiler, which does not, drops the mask. */
    asm volatile("" : "+r"(byte));
    return types[byte & (sizeof types - 1)] >> (type & 7) & 1;
}

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 1); /* set by the injection */
    __type(key, __u64);
    __type(value, struct dns_name);
} names SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_LPM_TRIE);
    __uint(max_entries, 1); /* set by the injection */
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, struct dns_server);
    __type(value, __u8);
} servers SEC(".maps");

/* A query being read. Offsets are from the start of the packet. Volatile, so that it is memory to the verifier too: a
   register would be known too well after each loop, and every way through the loop be followed to the end apart. */
struct query {
    volatile __u32 l4;
    volatile __u32 end; /* of the UDP datagram */
    volatile __u32 name;
    volatile __u32 length; /* of the name, the final zero included */
    volatile __u32 labels;
    volatile __u32 tail;  /* where the question ends */
    volatile __u32 opt;   /* 1: there is an OPT */
    volatile __u32 limit; /* of the response */
    volatile __u32 added; /* octets behind the question in the answer */
    volatile __u64 hash;
};

/* The packet while it is read and rewritten: direct writes would make the kernel copy every packet that passes here. Calls
   cost most here (each returns through a mitigation), so it is read by one and written by one. */
struct scratch {
    __u8 packet[PACKET_MAX + 1 + 1024]; /* as far as a name or an answer can reach past an index */
    __u8 labels[DNS_LABELS_MAX + 1];    /* where each label of the name begins, from the start of the name */
    __u64 prefixes[DNS_LABELS_MAX + 1]; /* the hash of the labels before it */
    struct query query;
};

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct scratch);
} scratches SEC(".maps");

static __always_inline __u64 word_at(const __u8* bytes) { return *(const __u64*)bytes; }
static __always_inline __u16 half_at(const __u8* bytes) { return *(const __u16*)bytes; }
static __always_inline void put_half(__u8* bytes, __u16 half) { *(__u16*)bytes = half; }

static __noinline int unseen(void) {
    if (in_force()) COUNT(unseen);
    return NEXT;
}

static __always_inline __u64 hash_label(const __u8* label, __u32 size) {
    __u64 hash = dns.hash_seed;
    for (__u32 i = 0; i < DNS_LABEL_MAX / 8 && size > 8; i++) {
        hash = dns_fold(hash, dns_lower(word_at(label)));
        label += 8;
        size -= 8;
    }
    return dns_fold(hash, dns_lower(dns_head(word_at(label), size)));
}

enum { MORE, WHOLE, BROKEN };

/* Takes one more label of the name into its hash. BROKEN if it is none that can be trusted: compressed, too long, past the
   end. */
static __always_inline int read_label(struct scratch* s) {
    struct query* q = &s->query;
    const __u32 at = q->length, i = q->labels & DNS_LABELS_MAX;
    if (at >= DNS_NAME_MAX || q->name + at >= q->end) return BROKEN;
    const __u8* label = s->packet + AT(q->name + at);
    const __u32 size = label[0] + 1;
    if (size > DNS_LABEL_MAX + 1) return BROKEN;
    const __u64 before = q->hash;
    s->labels[i] = (__u8)at;
    s->prefixes[i] = before;
    q->length = at + size;
    if (size == 1) return WHOLE;
    q->labels = i + 1;
    q->hash = dns_join(before, hash_label(label, size));
    return MORE;
}

struct deep {
    struct scratch* s;
    int state;
};

static long read_deep_label(__u32 i, void* context) {
    struct deep* deep = context;
    deep->state = read_label(deep->s);
    return deep->state != MORE;
}

/* Finds the labels of the name and hashes it: the first few without a call each, which is what it costs to let the verifier
   look at a loop's body once and not at each round. */
static __always_inline int read_name(struct scratch* s) {
    s->query.length = s->query.labels = 0;
    s->query.hash = 0;
    for (int i = 0; i < SHALLOW; i++) {
        const int state = read_label(s);
        if (state != MORE) return state == WHOLE;
    }
    struct deep deep = {.s = s};
    bpf_loop(DNS_LABELS_MAX + 1 - SHALLOW, read_deep_label, &deep, 0);
    return deep.state == WHOLE;
}

/* Whether the wanted name is the suffix of the query's name that begins `from` octets into it. */
static __always_inline int same(const struct scratch* s, const struct query* q, __u32 from, const struct dns_name* wanted) {
    const __u8* mine = s->packet + AT(q->name + from);
    const __u8* theirs = wanted->wire;
    __u32 left = wanted->length;
    if (left != q->length - from) return 0;
    for (__u32 i = 0; i < sizeof wanted->wire / 8 - 1 && left > 8; i++) {
        if (dns_lower(word_at(mine)) != word_at(theirs)) return 0;
        mine += 8;
        theirs += 8;
        left -= 8;
    }
    return dns_head(dns_lower(word_at(mine)), left) == word_at(theirs);
}

/* Whether the name, or a suffix of it, is one of those wanted. */
static __always_inline int listed(const struct scratch* s, const struct query* q) {
    const __u32 labels = q->labels & DNS_LABELS_MAX;
    const __u64 hash = s->prefixes[labels];
    if (dns.exact_depths[labels >> 6] >> (labels & 63) & 1) {
        const struct dns_name* name = bpf_map_lookup_elem(&names, &hash);
        if (name && name->exact && same(s, q, 0, name)) return 1;
    }
    for (__u32 i = 0; i < DNS_SUFFIX_DEPTHS_MAX; i++) {
        if (i >= dns.suffixes || dns.suffix_depths[i] >= labels) return 0; /* the shortest suffix comes first */
        const __u32 first = (labels - dns.suffix_depths[i]) & DNS_LABELS_MAX;
        const __u64 suffix = hash - s->prefixes[first] * dns.suffix_powers[i];
        const struct dns_name* name = bpf_map_lookup_elem(&names, &suffix);
        if (name && name->under && same(s, q, s->labels[first], name)) return 1;
    }
    return 0;
}

static __always_inline int for_server(const struct __sk_buff* skb, const __u8* ip) {
    if (dns.every_server) return 1;
    struct dns_server key = {.bits = 128};
    if (skb->protocol == bpf_htons(ETH_P_IP)) {
        key.address[10] = key.address[11] = 0xff;
        __builtin_memcpy(key.address + 12, ip + 16, 4);
    } else {
        __builtin_memcpy(key.address, ip + 24, 16);
    }
    return bpf_map_lookup_elem(&servers, &key) != 0;
}

/* What follows the question is nothing, or exactly one OPT of version 0. Anything else (TSIG, more records, stray octets)
   means that the answer would not be ours to give. */
static __always_inline int read_tail(const struct scratch* s, struct query* q, const __u8* header) {
    if (word_at(header + 4) >> 16 & 0xffffffff) return 0; /* answer and authority records */
    const __u16 additional = half_at(header + 10);
    q->limit = SMALLEST_LIMIT;
    q->opt = 0;
    if (additional == 0) return q->tail == q->end;
    if (additional != bpf_htons(1) || q->tail + OPT_SIZE > q->end) return 0;
    const __u8* opt = s->packet + AT(q->tail);
    if (opt[0] != 0 || half_at(opt + 1) != bpf_htons(OPT_TYPE) || opt[6] != 0) return 0;
    if (q->tail + OPT_SIZE + bpf_ntohs(half_at(opt + 9)) != q->end) return 0;
    const __u32 size = bpf_ntohs(half_at(opt + 3));
    if (size > SMALLEST_LIMIT) q->limit = size;
    q->opt = 1;
    return 1;
}

static __always_inline const volatile struct dns_records* records_for(__u16 type) {
    if (type == bpf_htons(1)) return &a_records;
    if (type == bpf_htons(28)) return &aaaa_records;
    return 0;
}

/* How many records fit; writes them behind the question. */
static __always_inline __u32 put_records(struct scratch* s, struct query* q, const volatile struct dns_records* records) {
    q->added = 0;
    if (!records || records->count == 0) return 0;
    __u32 count = records->count;
    const __u32 room = q->limit - (q->tail - q->l4 - UDP_SIZE) - q->opt * OPT_SIZE;
    if (count * records->size > room) count = room / records->size;
    q->added = count * records->size;
    __u8* to = s->packet + AT(q->tail);
    for (__u32 i = 0; i < sizeof records->bytes; i += 8) {
        if (i >= q->added) break;
        *(__u64*)(to + i) = *(const volatile __u64*)(records->bytes + i);
    }
    return count;
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

static __always_inline __u16 fold(__u64 sum) {
    sum = (sum & 0xffffffff) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return (__u16)((sum & 0xffff) + (sum >> 16));
}

/* What replacing `from` by `to` adds to an Internet checksum (RFC 1624). */
static __always_inline __u64 change(__u16 from, __u16 to) { return (__u64)(__u16)~from + to; }

/* What taking away `size` octets, 1 to 512, adds to a checksum. */
static __always_inline __u16 taken_away(const __u8* bytes, __u32 size) {
    __u64 sum = 0;
    for (__u32 i = 0; i < 64 && size > 8; i++) {
        const __u64 word = word_at(bytes);
        sum += (word & 0xffffffff) + (word >> 32);
        bytes += 8;
        size -= 8;
    }
    const __u64 word = dns_head(word_at(bytes), size);
    return ~fold(sum + (word & 0xffffffff) + (word >> 32));
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

/* Everything before the DNS message, for an answer whose UDP datagram has `size` octets. The UDP checksum stays. */
static __always_inline void turn_round(struct __sk_buff* skb, struct scratch* s, __u32 l3, __u8* udp, __u16 size) {
    __u8* ip = s->packet + l3;
    const __u16 grown = size - bpf_ntohs(half_at(udp + 4));
    if (l3) {
        swap4(s->packet, s->packet + 6);
        swap2(s->packet + 4, s->packet + 10);
    }
    if (skb->protocol == bpf_htons(ETH_P_IP)) {
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

/* Replaces question tail and header by those of the answer; returns what that adds to the checksum. */
static __always_inline __u64 tell(struct scratch* s, struct query* q) {
    __u8* header = s->packet + AT(q->l4 + UDP_SIZE);
    __u8* tail = s->packet + AT(q->tail);
    const volatile struct dns_records* records = records_for(half_at(s->packet + AT(q->tail - QUESTION)));
    const __u8 opt_flags = tail[7];

    __u64 tail_diff = 0;
    if (q->end != q->tail) tail_diff = taken_away(tail, q->end - q->tail);
    const __u32 count = put_records(s, q, records);
    if (count) tail_diff += records->sums[count & 31];
    if (q->opt) tail_diff += put_opt(s->packet + AT(q->tail + q->added), opt_flags);
    q->added += q->opt * OPT_SIZE;
    __u16 folded = fold(tail_diff);
    if ((q->tail - q->l4) & 1) folded = __builtin_bswap16(folded);

    const __u16 old_flags = half_at(header + 2);
    const int cut = records && count < records->count;
    header[2] = 0x80 | (cut ? 0x02 : 0) | (header[2] & 0x01); /* QR, TC, and RD as asked */
    header[3] = 0x80 | (header[3] & 0x10) | dns.rcode;        /* RA, and CD as asked (RFC 4035 §3.2.2) */
    put_half(header + 6, bpf_htons(count));
    return folded + change(old_flags, half_at(header + 2)) + bpf_htons(count);
}

/* Turns the query into its answer. Checksums are mended by what changed, never made anew: at egress the field may hold the
   pseudo-header's sum only (CHECKSUM_PARTIAL). 0 if it could not. */
static __always_inline int answer(struct __sk_buff* skb, struct scratch* s, __u32 l3, struct query* q) {
    __u64 diff = tell(s, q);
    const __u32 end = q->tail + q->added, check = q->l4 + 6;
    __u8* udp = s->packet + AT(q->l4);
    const __u16 old_size = half_at(udp + 4), size = bpf_htons((__u16)(end - q->l4));
    turn_round(skb, s, l3, udp, bpf_ntohs(size));
    if (end != skb->len && bpf_skb_change_tail(skb, end, 0) < 0) return 0;
    if (bpf_skb_store_bytes(skb, 0, s->packet, SIZE(end), 0) < 0) return 0;
    diff += change(old_size, size);
    if (size != old_size) bpf_l4_csum_replace(skb, check, old_size, size, BPF_F_PSEUDO_HDR | BPF_F_MARK_MANGLED_0 | 2);
    bpf_l4_csum_replace(skb, check, 0, fold(diff), BPF_F_MARK_MANGLED_0);
    return 1;
}

/* A matching, chosen query: what becomes of it. */
static __always_inline int hit(struct __sk_buff* skb, struct scratch* s, __u32 l3, struct query* q, int direction) {
    if (dns.silent) {
        COUNT(hits);
        return direction == EGRESS ? VANISH() : SHOT;
    }
    /* A hardware sum of what arrived (CHECKSUM_COMPLETE) would be wrong now; a packet that has grown has none. */
    if (direction == INGRESS && (long)bpf_csum_update(skb, 0) >= 0 && bpf_skb_change_tail(skb, skb->len + 1, 0) < 0) return unseen();
    if (!answer(skb, s, l3, q)) return SHOT; /* out of memory halfway: as good as lost on the wire */
    COUNT(hits);
    if (skb->ifindex == LOOPBACK_IFINDEX) return NEXT;
    return bpf_redirect(skb->ifindex, direction == EGRESS ? BPF_F_INGRESS : 0);
}

/* Headers that can be turned round: one datagram, to one host, with no IPv4 options. */
static __always_inline int turnable(struct __sk_buff* skb, const __u8* ip, const __u8* udp, __u32 l3, const struct query* q,
                                    int direction) {
    const __u32 size = q->end - l3;
    if (skb->gso_size || (direction == INGRESS && skb->pkt_type != 0 /* PACKET_HOST: to us */)) return 0;
    if (skb->protocol == bpf_htons(ETH_P_IP)) return ip[0] == 0x45 && bpf_ntohs(half_at(ip + 2)) == size && ip[16] < 224;
    return bpf_ntohs(half_at(ip + 4)) + 40u == size && ip[24] != 0xff && half_at(udp + 6) != 0;
}

/* Where UDP begins in a packet that glance() could not make out; 0 if it is not ours. */
static __noinline __u32 find_udp(struct __sk_buff* skb, __u32 l3) {
    struct packet p;
    if (!parse(skb, l3, &p) || p.protocol != IPPROTO_UDP || bpf_htons(p.destination_port) != dns.port) return 0;
    if (!p.routed) return p.l4;
    unseen();
    return 0;
}

static __always_inline int query(struct __sk_buff* skb, __u32 l3, __u32 l4, int direction) {
    if (direction == EGRESS && !in_scope(skb)) return NEXT;
    const __u32 zero = 0, size = skb->len;
    struct scratch* s = bpf_map_lookup_elem(&scratches, &zero);
    if (!s || size > PACKET_MAX || bpf_skb_load_bytes(skb, 0, s->packet, SIZE(size)) < 0) return unseen();
    struct query* q = &s->query;
    q->l4 = l4;
    const __u8* udp = s->packet + AT(q->l4);
    q->end = q->l4 + bpf_ntohs(half_at(udp + 4));
    q->name = q->l4 + UDP_SIZE + HEADER;
    if (q->end > size || q->name + 1 + QUESTION > q->end) return unseen();

    const __u8* header = s->packet + AT(q->l4 + UDP_SIZE);
    if (header[2] & 0xf8) return NEXT; /* a response, or another opcode */
    if (header[2] & 0x02 || half_at(header + 4) != bpf_htons(1) || !read_name(s)) return unseen();
    q->tail = q->name + q->length + QUESTION;
    if (q->tail > q->end) return unseen();
    const __u8* question = s->packet + AT(q->tail - QUESTION);
    const __u16 type = bpf_ntohs(half_at(question));
    if (half_at(question + 2) != bpf_htons(1)) return NEXT; /* class IN */
    if (!dns.every_type && !asked_for(type)) return NEXT;
    if (!listed(s, q) || !for_server(skb, s->packet + l3)) return NEXT;

    if (!turnable(skb, s->packet + l3, udp, l3, q, direction) || !read_tail(s, q, header)) return unseen();
    if (!in_force() || !chosen(COUNT(matched))) return NEXT;
    return hit(skb, s, l3, q, direction);
}

static __always_inline int act(struct __sk_buff* skb, __u32 l3, int direction) {
    __be16 source = 0, destination = 0;
    const enum glance seen = glance(skb, l3, IPPROTO_UDP, &source, &destination);
    if (seen == NOT_MINE || (seen == PORTS_KNOWN && destination != dns.port)) return NEXT;
    __u32 l4 = l3 + (skb->protocol == bpf_htons(ETH_P_IP) ? sizeof(struct iphdr) : sizeof(struct ipv6hdr));
    if (seen == UNCLEAR) l4 = find_udp(skb, l3);
    return l4 ? query(skb, l3, l4, direction) : NEXT;
}

TC_PROGRAMS(act)
