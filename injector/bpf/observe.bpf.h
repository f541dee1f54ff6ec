/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/* Peers by name (observe.h): answers are read as they arrive, and change nothing. */
#pragma once

#include "injector/bpf/observe.h"
#include "injector/bpf/packet.bpf.h"

#define OBSERVED_MOST 2048 /* octets of a message; of a longer one the beginning */
#define OBSERVED_AT(i) ((i) & (OBSERVED_MOST - 1))
#define OBSERVED_STEPS 1024
#define DNS_HEADER 12 /* RFC 1035 §4.1.1 */

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, OBSERVED_NAMES);
    __type(key, __u64);   /* the hash of a name */
    __type(value, __u32); /* its lists */
} observed_names SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, OBSERVED_PEERS);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, struct peer);
    __type(value, __u32);
} observed_peers SEC(".maps");

/* A message being read, one label or record a step. */
struct reading {
    __u8 message[OBSERVED_MOST + 64]; /* as far as a label can reach past an index */
    volatile __u32 at, end;
    volatile __u32 records; /* still to come */
    volatile __u32 lists;   /* of the name that was asked for; 0: the question is being read */
    volatile __u32 in_name;
    volatile __u64 hash;
};

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct reading);
} readings SEC(".maps");

struct step {
    struct reading* reading;
};

static __always_inline int is_observed(const __u64* address, __u32 list) {
    struct peer peer = {{address[0], address[1]}};
    const __u32* lists = bpf_map_lookup_elem(&observed_peers, &peer);
    return lists && *lists & list;
}

static __always_inline void add_peer(const __u8* bytes, int v4, __u32 lists) {
    struct peer peer = {};
    if (v4) {
        __be32 half[2] = {bpf_htonl(0xffff), *(const __be32*)bytes};
        __builtin_memcpy(&peer.address[1], half, sizeof half);
    } else {
        __builtin_memcpy(peer.address, bytes, sizeof peer.address);
    }
    __u32* before = bpf_map_lookup_elem(&observed_peers, &peer);
    if (before)
        __sync_fetch_and_or(before, lists);
    else if (bpf_map_update_elem(&observed_peers, &peer, &lists, BPF_ANY) < 0)
        COUNT(unseen);
}

static __always_inline __u64 label_hash(const __u8* label, __u32 size) {
    __u64 hash = 0;
    for (__u32 i = 0; i < DNS_LABEL_MAX / 8 && size > 8; i++) {
        hash = dns_fold(hash, dns_lower(*(const __u64*)label));
        label += 8;
        size -= 8;
    }
    return dns_fold(hash, dns_lower(dns_head(*(const __u64*)label, size)));
}

/* The name that was asked for is read: whose is it? Returns 1 if nobody's. */
static __always_inline int end_question(struct reading* r) {
    __u64 hash = r->hash;
    const __u32* lists = bpf_map_lookup_elem(&observed_names, &hash);
    if (!lists) return 1;
    r->lists = *lists;
    r->at += 4; /* type and class; the name of the first record follows */
    return 0;
}

static __always_inline int read_label(struct reading* r) {
    const __u8* label = r->message + OBSERVED_AT(r->at);
    const __u32 size = label[0];
    if (size >= 0xc0) { /* a pointer (§4.1.4) ends a name; no question has one */
        r->at += 2;
        r->in_name = 0;
        return r->lists == 0;
    }
    if (size > DNS_LABEL_MAX) return 1;
    if (r->lists == 0 && size > 0) r->hash = dns_join(r->hash, label_hash(label, size + 1));
    r->at += size + 1;
    if (size > 0) return 0;
    if (r->lists == 0) return end_question(r);
    r->in_name = 0;
    return 0;
}

static __always_inline int read_record(struct reading* r) {
    const __u8* record = r->message + OBSERVED_AT(r->at); /* type, class, TTL, length (§3.2.1) */
    const __u32 type = record[0] << 8 | record[1], class = record[2] << 8 | record[3], length = record[8] << 8 | record[9];
    if (r->at + 10 + length > r->end) return 1;
    if (class == 1 && type == 1 && length == 4) add_peer(record + 10, 1, r->lists);
    if (class == 1 && type == 28 && length == 16) add_peer(record + 10, 0, r->lists);
    r->at += 10 + length;
    r->in_name = 1;
    r->records--;
    return r->records == 0;
}

static long read_on(__u32 i, void* context) {
    struct reading* r = ((struct step*)context)->reading;
    if (r->at >= r->end) return 1;
    return r->in_name ? read_label(r) : read_record(r);
}

static __always_inline int observe(struct __sk_buff* skb, __u32 l3) {
    __be16 source = 0, destination = 0;
    const __u32 zero = 0;
    struct packet p;
    enum glance seen = glance(skb, l3, IPPROTO_UDP, &source, &destination);
    if (seen == NOT_MINE || (seen == PORTS_KNOWN && source != bpf_htons(53))) return NEXT;
    if (!parse(skb, l3, &p) || p.protocol != IPPROTO_UDP || p.source_port != 53 || p.end < p.payload + DNS_HEADER + 1) return NEXT;
    struct reading* r = bpf_map_lookup_elem(&readings, &zero);
    __u32 size = p.end - p.payload;
    if (size > OBSERVED_MOST) size = OBSERVED_MOST;
    if (!r || bpf_skb_load_bytes(skb, p.payload, r->message, OBSERVED_AT(size - 1) + 1) < 0) return NEXT;
    /* a response without an error, to one question, with answers */
    if (!(r->message[2] & 0x80) || r->message[3] & 15 || r->message[4] || r->message[5] != 1) return NEXT;
    r->records = r->message[6] << 8 | r->message[7];
    if (r->records == 0) return NEXT;
    r->at = DNS_HEADER;
    r->end = size;
    r->lists = 0;
    r->in_name = 1;
    r->hash = 0;
    struct step step = {r};
    bpf_loop(OBSERVED_STEPS, read_on, &step, 0);
    return NEXT;
}

/* Loaded and attached only where there are names. */
SEC("tc") int observe_l2(struct __sk_buff* skb) { return observe(skb, sizeof(struct ethhdr)); }
SEC("tc") int observe_l3(struct __sk_buff* skb) { return observe(skb, 0); }
