/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/* Health checks that lie. A response begins at the sequence number that acknowledges its request (RFC 9293): the request is
   recognised on its way in, the decision is kept with that number, and the answer is changed wherever that number lies in a
   packet on the way out, as often as it is sent. Everything else on the port passes as it is.

   The flow is followed on whichever side of the stack each direction shows up: the checked host sees requests at ingress and
   answers at egress, the checking host the other way round, a router both twice (the second sight changes nothing), and lo
   is attached at egress only. What a protocol looks like is in a header of its own (http1.bpf.h). */
#include "injector/bpf/health.h"

#include "injector/bpf/packet.bpf.h"
#include "injector/bpf/tcp_write.bpf.h"
#include "injector/bpf/terms.bpf.h"

const volatile struct health_config health = {};

/* The protocols: what a check looks like, and where its answer says how it went. */
#include "injector/bpf/http1.bpf.h"
#include "injector/bpf/redis.bpf.h"

#define REWRITES (health.result == HEALTH_STATUS || health.result == HEALTH_PASS)
#define SHOWN_OFFSET (health.protocol == HEALTH_HTTP ? HTTP1_DIGITS : 0) /* of what is changed, in the answer */

enum state {
    PASSED,    /* not a check, or one that was let through */
    UNDECIDED, /* a check, if the answer turns out to leave a socket of the cgroup */
    CHOSEN,    /* a check whose answer is to be changed */
    ACTED,     /* changed, and counted; every retransmission is changed alike */
};

enum trait {
    TANGLED = 1, /* pipelined requests, or a cut interim response: which answer is whose is not known any more */
    OPAQUE = 2,  /* switched to another protocol (101) */
};

/* That many bytes behind the beginning, its status line was acknowledged long ago: the beginning is moved up, since sequence
   numbers compare only within 2^31. */
#define LONG_PAST (1U << 29)

struct flow_key {
    __u8 client[16], server[16];
    __u16 client_port, server_port;
};

/* The last exchange of a connection, matching or not. */
struct flow {
    __u32 begin; /* sequence number at which its (final) response begins */
    __u32 next;  /* sequence number after the newest payload of the client */
    __u32 state;
    __u32 traits; /* of the connection */
};

struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, 32768);
    __type(key, struct flow_key);
    __type(value, struct flow);
} flows SEC(".maps");

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

/* What begins at `at`. */
static __always_inline int request(struct __sk_buff* skb, __u32 at, __u32 end) {
    return health.protocol == HEALTH_REDIS ? redis_request(skb, at, end) : http1_request(skb, at, end);
}

/* Payload behind the request that begins this packet: the rest of its body, or a request that was sent along with it. */
static __always_inline __u32 traits_behind(struct __sk_buff* skb, const struct packet* p) {
    if (health.protocol == HEALTH_REDIS) return 0;
    __u32 at = http1_head_end(skb, p->payload, p->end);
    int what = at == 0 ? HTTP1_NONE : http1_request(skb, at, p->end);
    if (what == HTTP1_CHECK && from_checker(p)) COUNT(unseen);
    return what == HTTP1_NONE ? 0 : TANGLED;
}

static __always_inline void new_exchange(struct __sk_buff* skb, const struct packet* p, int direction, const struct flow_key* key, int what,
                                         __u32 traits) {
    struct flow flow = {.begin = p->ack, .next = p->seq + (p->end - p->payload), .state = PASSED, .traits = traits};
    int check = (what == HTTP1_CHECK || what == HTTP1_CUT) && from_checker(p);
    if (check && (what == HTTP1_CUT || traits & TANGLED))
        COUNT(unseen);
    else if (check)
        flow.state = first_state(skb, direction, key);
    if (what != HTTP1_NONE) flow.traits |= traits_behind(skb, p);
    if (bpf_map_update_elem(&flows, key, &flow, BPF_ANY) < 0 && flow.state == CHOSEN) COUNT(unseen);
}

static __always_inline void on_request(struct __sk_buff* skb, const struct packet* p, int direction) {
    struct flow_key key = {.client_port = p->source_port, .server_port = p->destination_port};
    __builtin_memcpy(key.client, p->source, 16);
    __builtin_memcpy(key.server, p->destination, 16);
    if (p->tcp_flags & 2) { /* SYN: the ports are used anew */
        bpf_map_delete_elem(&flows, &key);
        return;
    }
    if (p->end == p->payload) return;
    struct flow* flow = bpf_map_lookup_elem(&flows, &key);
    __u32 traits = flow ? flow->traits : 0, next = p->seq + (p->end - p->payload);
    int moved_on = flow == NULL || (__s32)(p->ack - flow->begin) > 0;
    if (flow != NULL) {
        /* Sent before, or a keep-alive probe's byte: draws nothing again. A retransmission carries the newest ack, so only its
           own sequence number tells. */
        int fresh = (__s32)(p->seq - flow->next) >= 0;
        if ((__s32)(next - flow->next) > 0) flow->next = next;
        if (!fresh) return;
    }
    int what = traits & OPAQUE ? HTTP1_NONE : request(skb, p->payload, p->end);
    if (moved_on) {
        new_exchange(skb, p, direction, &key, what, traits);
    } else if (what != HTTP1_NONE) {
        /* The server has not begun to answer what came before: pipelined (or a body that looks like a request). */
        flow->traits |= TANGLED;
        if (what == HTTP1_CHECK && from_checker(p)) COUNT(unseen);
    }
}

/* Once a response, however often it is sent. */
static __always_inline void acted(struct flow* flow) {
    if (__sync_val_compare_and_swap(&flow->state, CHOSEN, ACTED) == CHOSEN) COUNT(hits);
}

static __always_inline int give_up(struct flow* flow) {
    if (__sync_val_compare_and_swap(&flow->state, CHOSEN, PASSED) == CHOSEN) COUNT(unseen);
    return NEXT;
}

/* A 204 has no length, and with another status a keep-alive client would wait for a body: its Date becomes the length. Returns
   0 if there is no Date in this packet to make room. */
static __always_inline int frame_empty(struct __sk_buff* skb, const struct packet* p, __u32 at) {
    __u8 was[HTTP1_DATE + 1] = {}, now[HTTP1_DATE + 1] = "Content-Length: 0                  ";
    __u32 date = http1_date(skb, at, p->end);
    if (date == 0 || bpf_skb_load_bytes(skb, date, was, HTTP1_DATE) < 0) return 0;
    return tcp_write(skb, p, date, was, now, HTTP1_DATE);
}

static __always_inline int rewrite(struct __sk_buff* skb, const struct packet* p, struct flow* flow, __u32 at, __u32 status,
                                   __u8 was[HEALTH_SHOWN_MAX]) {
    __u8 now[HEALTH_SHOWN_MAX];
    for (__u32 i = 0; i < HEALTH_SHOWN_MAX; i++) now[i] = health.shown[i];
    if (health.protocol == HEALTH_REDIS) {
        if (!tcp_write(skb, p, at, was, now, REDIS_PONG)) return give_up(flow);
        acted(flow);
        return NEXT;
    }
    if (was[0] == now[0] && was[1] == now[1] && was[2] == now[2]) return NEXT; /* as asked already: not our doing, not a hit */
    if (health.result == HEALTH_PASS && status < 300) return NEXT;             /* healthy by itself */
    /* A 304 has no body either, and the length of one that is not sent (RFC 9110 §15.4.5). */
    if (status == 304 || (status == 204 && !frame_empty(skb, p, at))) return give_up(flow);
    if (!tcp_write(skb, p, at + HTTP1_DIGITS, was, now, 3)) return give_up(flow);
    acted(flow);
    return NEXT;
}

/* A retransmission that begins or ends inside what was rewritten: the bytes that are there. */
static __always_inline int rewrite_part(struct __sk_buff* skb, const struct packet* p, const struct flow* flow) {
    for (__u32 i = 0; i < HEALTH_SHOWN_MAX; i++) {
        if (i >= health.shown_size) break;
        __u32 offset = flow->begin + SHOWN_OFFSET + i - p->seq;
        __u8 was[4] = {}, now[4] = {health.shown[i]};
        if (offset < p->end - p->payload && bpf_skb_load_bytes(skb, p->payload + offset, was, 1) == 0)
            tcp_write(skb, p, p->payload + offset, was, now, 1);
    }
    return NEXT;
}

static __always_inline int reset_client(struct __sk_buff* skb, struct packet* p, struct flow* flow, __u32 seq) {
    int again = flow->state == ACTED;
    if (!tcp_become_reset(skb, p, seq)) return give_up(flow);
    acted(flow);
    /* A third sending passes: the client, gone by now, resets the server, which else would go on for minutes. */
    if (again) flow->state = PASSED;
    return NEXT;
}

static __always_inline int change(struct __sk_buff* skb, struct packet* p, int direction, struct flow* flow, __u32 at, __u32 seq,
                                  __u32 status, __u8 digits[HEALTH_SHOWN_MAX]) {
    if (REWRITES) return rewrite(skb, p, flow, at, status, digits);
    if (health.result == HEALTH_RESET) return reset_client(skb, p, flow, seq);
    acted(flow);
    return direction == INGRESS ? SHOT : VANISH();
}

/* Skips interim responses (RFC 9110 §15.2) and moves the beginning of the final one behind them. Returns the final status; 0
   if it is not in this packet. */
static __always_inline __u32 final_status(struct __sk_buff* skb, const struct packet* p, struct flow* flow, __u32* at,
                                          __u8 digits[HEALTH_SHOWN_MAX]) {
    __u32 status = 0;
    if (health.protocol == HEALTH_REDIS) return redis_answer(skb, *at, p->end, digits) ? 200 : 0;
    for (int i = 0; i < 3; i++) {
        status = http1_status(skb, *at, p->end, digits);
        if (status < 100 || status > 199) return status;
        __u32 after = http1_head_end(skb, *at, p->end);
        if (status == 101 || after == 0) {
            flow->traits |= status == 101 ? OPAQUE : TANGLED;
            return 0;
        }
        flow->begin += after - *at;
        *at = after;
        if (after == p->end) return status;
    }
    return 0;
}

static __always_inline void decide_at_answer(struct __sk_buff* skb, int direction, struct flow* flow, const struct flow_key* key) {
    if (direction == EGRESS && terms.cgroup_id != 0 && flow->state == UNDECIDED && in_scope(skb) &&
        __sync_val_compare_and_swap(&flow->state, UNDECIDED, PASSED) == UNDECIDED)
        flow->state = decide(key);
}

static __always_inline int on_beginning(struct __sk_buff* skb, struct packet* p, int direction, struct flow* flow,
                                        const struct flow_key* key, __u32 at) {
    __u8 digits[HEALTH_SHOWN_MAX] = {};
    __u32 expected = flow->begin;
    if (flow->traits & OPAQUE) return NEXT;
    __u32 status = final_status(skb, p, flow, &at, digits);
    if (status >= 100 && status <= 199) return NEXT; /* the final one is still to come */
    decide_at_answer(skb, direction, flow, key);
    if (flow->state != CHOSEN && flow->state != ACTED) return NEXT;
    if (status == 0 && flow->state == CHOSEN) return give_up(flow);
    if (!lasting(bpf_ktime_get_ns())) return NEXT;
    if (status == 0 && REWRITES) return rewrite_part(skb, p, flow);
    return change(skb, p, direction, flow, at, expected, status, digits);
}

static __always_inline int on_response(struct __sk_buff* skb, struct packet* p, int direction) {
    struct flow_key key = {.client_port = p->destination_port, .server_port = p->source_port};
    __builtin_memcpy(key.client, p->destination, 16);
    __builtin_memcpy(key.server, p->source, 16);
    struct flow* flow = p->end == p->payload ? NULL : bpf_map_lookup_elem(&flows, &key);
    if (flow == NULL) return NEXT;
    __u32 offset = flow->begin - p->seq;
    if (offset < p->end - p->payload) return on_beginning(skb, p, direction, flow, &key, p->payload + offset);
    if (0 - offset > LONG_PAST && 0 - offset < 2 * LONG_PAST) {
        flow->state = PASSED;
        flow->begin = p->seq;
    }
    if (flow->state != ACTED || (__s32)(p->seq - flow->begin) <= 0) return NEXT;
    if (health.result == HEALTH_TIMEOUT && lasting(bpf_ktime_get_ns())) return direction == INGRESS ? SHOT : VANISH();
    if (REWRITES && p->seq - flow->begin < SHOWN_OFFSET + health.shown_size && lasting(bpf_ktime_get_ns()))
        return rewrite_part(skb, p, flow);
    return NEXT;
}

/* A check that only connects: its SYN is the request, the SYN and ACK that comes back the answer. */
static __always_inline void on_syn(struct __sk_buff* skb, const struct packet* p, int direction) {
    struct flow_key key = {.client_port = p->source_port, .server_port = p->destination_port};
    if ((p->tcp_flags & 0x12) != 2 || !from_checker(p)) return;
    __builtin_memcpy(key.client, p->source, 16);
    __builtin_memcpy(key.server, p->destination, 16);
    const struct flow* before = bpf_map_lookup_elem(&flows, &key);
    if (before != NULL && before->next == p->seq) return; /* sent again */
    struct flow flow = {.next = p->seq, .state = first_state(skb, direction, &key)};
    if (bpf_map_update_elem(&flows, &key, &flow, BPF_ANY) < 0 && flow.state == CHOSEN) COUNT(unseen);
}

static __always_inline int on_syn_ack(struct __sk_buff* skb, struct packet* p, int direction) {
    struct flow_key key = {.client_port = p->destination_port, .server_port = p->source_port};
    __u8 none[HEALTH_SHOWN_MAX] = {};
    if ((p->tcp_flags & 0x12) != 0x12) return NEXT;
    __builtin_memcpy(key.client, p->destination, 16);
    __builtin_memcpy(key.server, p->source, 16);
    struct flow* flow = bpf_map_lookup_elem(&flows, &key);
    if (flow == NULL || flow->next + 1 != p->ack) return NEXT;
    decide_at_answer(skb, direction, flow, &key);
    if ((flow->state != CHOSEN && flow->state != ACTED) || !lasting(bpf_ktime_get_ns())) return NEXT;
    return change(skb, p, direction, flow, p->payload, p->seq, 0, none);
}

static __always_inline int act(struct __sk_buff* skb, __u32 l3, int direction) {
    struct packet p;
    if (!may_concern(skb, l3) || !parse(skb, l3, &p) || p.protocol != IPPROTO_TCP) return NEXT;
    if (health.protocol == HEALTH_TCP) {
        if (listed(p.destination_port)) on_syn(skb, &p, direction);
        return listed(p.source_port) ? on_syn_ack(skb, &p, direction) : NEXT;
    }
    if (listed(p.destination_port)) on_request(skb, &p, direction);
    if (listed(p.source_port)) return on_response(skb, &p, direction);
    return NEXT;
}

TC_PROGRAMS(act)
