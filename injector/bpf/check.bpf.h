/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/* What all programs of the health fault share, whatever the checks speak: whose packets they look at, and which check is lied to. */
#pragma once

#include "injector/bpf/health.h"

#include "injector/bpf/packet.bpf.h"
#include "injector/bpf/tcp_write.bpf.h"
#include "injector/bpf/terms.bpf.h"

#include "injector/bpf/helper.bpf.h"

/* What holds or ends the connection that it hits. */
#define HOLDS (health.result == HEALTH_TIMEOUT || health.result == HEALTH_RESET || health.result == HEALTH_SLOW)

const volatile struct health_config health = {};

/* So many sendings of an answer become a RST: all of them lost is too rare to be seen. The next passes: the client, gone by now, resets
   the server, which else would go on for minutes. */
#define RESETS_MOST 4

enum state {
    PASSED,    /* not a check, or one that was let through */
    UNDECIDED, /* a check, if the answer turns out to leave a socket of the cgroup */
    CHOSEN,    /* a check whose answer is to be changed */
    ACTED,     /* changed, and counted; every retransmission is changed alike */
};

struct flow_key {
    __u8 client[16], server[16];
    __u16 client_port, server_port;
};

static __always_inline void key_of_request(struct flow_key* key, const struct packet* p) {
    key->client_port = p->source_port;
    key->server_port = p->destination_port;
    __builtin_memcpy(key->client, p->source, 16);
    __builtin_memcpy(key->server, p->destination, 16);
}

static __always_inline void key_of_response(struct flow_key* key, const struct packet* p) {
    key->client_port = p->destination_port;
    key->server_port = p->source_port;
    __builtin_memcpy(key->client, p->destination, 16);
    __builtin_memcpy(key->server, p->source, 16);
}

struct pair {
    __u8 client[16], server[16];
    __u32 server_port;
};

/* Checks so far, by checker address and backend address:port: the place in a cycle by count. */
struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, 4096);
    __type(key, struct pair);
    __type(value, __u64);
} turns SEC(".maps");

static __always_inline int listed(__u16 port) { return health.ports[port >> 3] >> (port & 7) & 1; }

/* The early way out: 0 for packets that surely have neither port. */
static __always_inline int may_concern(struct __sk_buff* skb, __u32 l3) {
    __be16 source = 0, destination = 0;
    switch (glance(skb, l3, IPPROTO_TCP, &source, &destination)) {
        case NOT_MINE:
            return 0;
        case PORTS_KNOWN:
            return listed(bpf_ntohs(source)) || listed(bpf_ntohs(destination));
        default:
            return 1;
    }
}

/* Whether it is a TCP packet from or to one of the ports, and reads it. */
static __always_inline int concerns_checks(struct __sk_buff* skb, __u32 l3, struct packet* p) {
    if (!may_concern(skb, l3)) return 0;
    return parse_plain_tcp(skb, l3, p) || (parse(skb, l3, p) && p->protocol == IPPROTO_TCP);
}

static __always_inline int from_checker(const struct packet* p) {
    const __u64* source = (const __u64*)p->source;
    if (health.from_count == 0) return 1;
    for (__u32 i = 0; i < HEALTH_FROM_MAX; i++) {
        if (i >= health.from_count) break;
        const volatile struct health_peer* peer = &health.from[i];
        if (peer->version == p->version && (source[0] & peer->mask[0]) == peer->address[0] &&
            (source[1] & peer->mask[1]) == peer->address[1])
            return 1;
    }
    return 0;
}

/* For what a connection begins with, or the first of it that is seen: whether it is a record of TLS (RFC 8446 §5.1). */
static __always_inline void count_encrypted(struct __sk_buff* skb, const struct packet* p) {
    __u8 type_and_version[2] = {};
    if (bpf_skb_load_bytes(skb, p->payload, type_and_version, 2) < 0) return;
    int is_record = type_and_version[0] >= 20 && type_and_version[0] <= 23 && type_and_version[1] == 3;
    if (is_record && from_checker(p) && in_force()) COUNT(encrypted);
}

/* How many checks this checker has sent to this backend before. */
static __always_inline __u64 turn(const struct flow_key* key) {
    struct pair pair = {.server_port = key->server_port};
    __u64 none = 0;
    __builtin_memcpy(pair.client, key->client, 16);
    __builtin_memcpy(pair.server, key->server, 16);
    __u64* count = bpf_map_lookup_elem(&turns, &pair);
    if (count == NULL) {
        bpf_map_update_elem(&turns, &pair, &none, BPF_NOEXIST);
        count = bpf_map_lookup_elem(&turns, &pair);
    }
    return count ? __sync_fetch_and_add(count, 1) : 0;
}

/* Once a check: whether its answer is to be changed. */
static __always_inline __u32 decide(const struct flow_key* key) {
    if (!in_force()) return PASSED;
    __u64 n = COUNT(matched);
    int failing = terms.cycle_fail + terms.cycle_pass == 0 || in_turn(turn(key));
    return failing && drawn(n) ? CHOSEN : PASSED;
}

/* The kernel knows a packet's cgroup at egress only. A check that leaves a socket of the scope is decided as it leaves; one
   that arrives, or leaves another socket of this host, is decided when its answer leaves a socket of the scope. */
static __always_inline __u32 first_state(struct __sk_buff* skb, int direction, const struct flow_key* key) {
    if (terms.cgroup_id == 0 || (direction == EGRESS && in_scope(skb))) return decide(key);
    return UNDECIDED;
}

static __always_inline void decide_at_answer(struct __sk_buff* skb, int direction, __u32* state, const struct flow_key* key) {
    if (direction == EGRESS && terms.cgroup_id != 0 && *state == UNDECIDED && in_scope(skb) &&
        __sync_val_compare_and_swap(state, UNDECIDED, PASSED) == UNDECIDED)
        *state = decide(key);
}

/* Once a response, however often it is sent. */
static __always_inline void acted(__u32* state) {
    if (__sync_val_compare_and_swap(state, CHOSEN, ACTED) == CHOSEN) COUNT(hits);
}

static __always_inline int give_up(__u32* state) {
    if (__sync_val_compare_and_swap(state, CHOSEN, PASSED) == CHOSEN) COUNT(unseen);
    return NEXT;
}

/* On the helper of a slow answer, and on its far end (latency.bpf.c). */
SEC("tc") int returned(struct __sk_buff* skb) { return give_back(skb); }
SEC("tc") int reflect(struct __sk_buff* skb) { return (int)bpf_redirect(skb->ifindex, 0); }

/* Whether it comes back from there. */
static __always_inline int was_held(const struct __sk_buff* skb) { return health.result == HEALTH_SLOW && has_been_through(skb); }
