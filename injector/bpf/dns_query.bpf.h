/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/* Reads a DNS query that lies in memory, and finds whether its name is wanted. */
#pragma once

#include "injector/bpf/dns.h"
#include "injector/bpf/packet.bpf.h"

#define HEADER 12   /* RFC 1035 §4.1.1 */
#define QUESTION 4  /* type and class, after the name */
#define OPT_SIZE 11 /* an OPT record without options: RFC 6891 §6.1.2 */
#define OPT_TYPE 41
#define IXFR_TYPE 251
#define SMALLEST_LIMIT 512 /* of a response: RFC 1035 §4.2.1 */

#define SHALLOW 8 /* labels */

/* Of a whole query, link-layer header included: one of 512 octets fits behind IPv6 with extension headers. */
#define PACKET_MAX 1023
#define AT(i) ((i)&PACKET_MAX)  /* an index that the verifier can trust */
#define SIZE(n) (AT((n)-1) + 1) /* a size likewise, never 0 */

const volatile struct dns_fault dns = {};
const volatile __u8 types[65536 / 8] = {}; /* bit per type */

static __always_inline int asked_for(__u32 type) {
    __u32 byte = type >> 3;
    /* Up to Linux 6.12 the verifier forgets that a swapped __be16 has 16 bits, and the compiler, which does not, drops the mask. */
    asm volatile("" : "+r"(byte));
    return types[byte & (sizeof types - 1)] >> (type & 7) & 1;
}

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1); /* set by the injection */
    __uint(map_flags, BPF_F_MMAPABLE);
    __type(key, __u32);
    __type(value, struct dns_bucket);
} names SEC(".maps");

/* A query being read. Offsets are from the start of the packet. Volatile, so that it is memory to the verifier too: a
   register would be known too well after each loop, and every way through the loop be followed to the end apart. */
struct query {
    volatile __u32 l4;
    volatile __u32 message; /* the DNS header */
    volatile __u32 end;     /* of the DNS message */
    volatile __u32 name;
    volatile __u32 length; /* of the name, the final zero included */
    volatile __u32 labels;
    volatile __u32 tail;   /* where the question ends */
    volatile __u32 opt;    /* 1: there is an OPT */
    volatile __u32 limit;  /* of the response */
    volatile __u32 added;  /* octets behind the question in the answer */
    volatile __u32 opcode; /* 0: QUERY */
    volatile __u32 next;   /* over TCP: the next message of the segment in the packet; 0: not known */
    volatile __u64 hash;
};

/* The packet while it is read and rewritten: direct writes would make the kernel copy every packet that passes here. Calls
   cost most here (each returns through a mitigation), so it is read by one and written by one. */
struct scratch {
    __u8 packet[PACKET_MAX + 1 + 1024]; /* as far as a name or an answer can reach past an index */
    __u8 labels[DNS_LABELS_MAX + 1];    /* where each label of the name begins, from the start of the name */
    __u64 prefixes[DNS_LABELS_MAX + 1]; /* the hash of the labels before it */
    struct query query;
    struct packet parsed; /* where a look at the packet's head was not enough: the stack has no room for it */
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

/* What is wanted of a name in this bucket: DNS_EXACT, DNS_UNDER, or nothing. */
static __always_inline __u64 marks_in(__u32 bucket, __u64 hash) {
    const struct dns_bucket* found = bpf_map_lookup_elem(&names, &bucket);
    if (!found) return 0;
#pragma unroll
    for (int i = 0; i < DNS_BUCKET_SLOTS; i++)
        if ((found->slot[i] ^ hash) <= DNS_MARKS) return found->slot[i] & DNS_MARKS;
    return 0;
}

static __always_inline __u64 marks_of(__u64 hash) {
    hash &= ~DNS_MARKS;
    const __u64 marks = marks_in(dns_first_bucket(hash, dns.bucket_mask), hash);
    return marks ? marks : marks_in(dns_second_bucket(hash, dns.bucket_mask), hash);
}

/* Whether the name, or a suffix of it, is one of those wanted. */
static __always_inline int listed(const struct scratch* s, const struct query* q) {
    const __u32 labels = q->labels & DNS_LABELS_MAX;
    const __u64 hash = s->prefixes[labels];
    if (dns.exact_depths[labels >> 6] >> (labels & 63) & 1 && marks_of(hash) & DNS_EXACT) return 1;
    for (__u32 i = 0; i < DNS_SUFFIX_DEPTHS_MAX; i++) {
        if (i >= dns.suffixes || dns.suffix_depths[i] >= labels) return 0; /* the shortest suffix comes first */
        const __u32 first = (labels - dns.suffix_depths[i]) & DNS_LABELS_MAX;
        const __u64 suffix = hash - s->prefixes[first] * dns.suffix_powers[i];
        if (marks_of(suffix) & DNS_UNDER) return 1;
    }
    return 0;
}

/* What follows the question of a query is nothing, or exactly one OPT of version 0. Anything else (TSIG, more records, stray
   octets) means that the answer would not be ours to give. What an UPDATE, a NOTIFY or an IXFR says behind its question does
   not come back with the answer; a signature would have to. */
static __always_inline int read_tail(const struct scratch* s, struct query* q) {
    const __u8* header = s->packet + AT(q->message);
    const __u16 additional = half_at(header + 10);
    q->limit = SMALLEST_LIMIT;
    q->opt = 0;
    if (q->opcode || half_at(s->packet + AT(q->tail - QUESTION)) == bpf_htons(IXFR_TYPE)) return additional == 0;
    if (half_at(header + 6) || half_at(header + 8)) return 0; /* answer and authority records */
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

enum reading { FOREIGN, DUBIOUS, WANTED };

/* The question of the message at q->message: FOREIGN if it is none that is asked for; DUBIOUS if it cannot be read. */
static __always_inline enum reading read_question(struct scratch* s) {
    struct query* q = &s->query;
    q->name = q->message + HEADER;
    if (q->name + 1 + QUESTION > q->end || !read_name(s)) return DUBIOUS;
    q->tail = q->name + q->length + QUESTION;
    if (q->tail > q->end) return DUBIOUS;
    const __u8* question = s->packet + AT(q->tail - QUESTION);
    const __u16 type = bpf_ntohs(half_at(question));
    if (half_at(question + 2) != bpf_htons(1)) return FOREIGN; /* class IN */
    if (!dns.every_type && !asked_for(type)) return FOREIGN;
    return listed(s, q) ? WANTED : FOREIGN;
}

/* The message at q->message, a query. */
static __always_inline enum reading read_query(struct scratch* s) {
    struct query* q = &s->query;
    const __u8* header = s->packet + AT(q->message);
    if (q->message + HEADER > q->end) return DUBIOUS;
    q->opcode = header[2] >> 3 & 15;
    if (header[2] & 0x80 || !(dns.opcodes >> q->opcode & 1)) return FOREIGN; /* a response, or another opcode */
    if (header[2] & 0x02 || half_at(header + 4) != bpf_htons(1)) return DUBIOUS;
    return read_question(s);
}
