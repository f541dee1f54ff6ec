/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/* Health checks that lie. A response begins at the sequence number that acknowledges its request (RFC 9293): the request is
   recognised on its way in, the decision is kept with that number, and the answer is changed wherever that number lies in a
   packet on the way out, as often as it is sent. Everything else on the port passes as it is.

   The flow is followed on whichever side of the stack each direction shows up: the checked host sees requests at ingress and
   answers at egress, the checking host the other way round, a router both twice (the second sight changes nothing), and lo
   is attached at egress only. What a protocol looks like is in a header of its own (http1.bpf.h). */
#include "injector/bpf/check.bpf.h"

/* The protocols: what a check looks like, and where its answer says how it went. */
#include "injector/bpf/agent.bpf.h"
#include "injector/bpf/http1.bpf.h"
#include "injector/bpf/mysql.bpf.h"
#include "injector/bpf/postgresql.bpf.h"
#include "injector/bpf/redis.bpf.h"
#include "injector/bpf/tls.bpf.h"

#define SHOWN_OFFSET (health.protocol == HEALTH_HTTP ? HTTP1_DIGITS : 0) /* of what is changed, in the answer */

enum trait {
    TANGLED = 1, /* pipelined requests, or a cut interim response: which answer is whose is not known any more */
    OPAQUE = 2,  /* switched to another protocol (101) */
    UNASKED = 4, /* its SYN was seen, and no request yet */
    GOES_ON = 8, /* what the client said last began no request: what the server says next may begin no answer */
};

/* That many bytes behind the beginning, its status line was acknowledged long ago: the beginning is moved up, since sequence
   numbers compare only within 2^31. */
#define LONG_PAST (1U << 29)

/* The last exchange of a connection, matching or not. */
struct flow {
    __u32 begin; /* sequence number at which its (final) response begins */
    __u32 next;  /* sequence number after the newest payload of the client */
    __u32 state;
    __u32 traits;       /* of the connection */
    __u32 resets;       /* sendings of this response that became a RST */
    __u32 sent;         /* sequence number after the newest payload of the server */
    __u32 gap, gap_end; /* payload of the client that was not there when what is behind it came: none if they are equal */
};

struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, 32768);
    __type(key, struct flow_key);
    __type(value, struct flow);
} flows SEC(".maps");

/* What begins at `at`. */
static __always_inline int request(struct __sk_buff* skb, __u32 at, __u32 end) {
    switch (health.protocol) {
        case HEALTH_REDIS:
            return redis_request(skb, at, end);
        case HEALTH_POSTGRESQL:
            return postgresql_request(skb, at, end);
        case HEALTH_MYSQL:
            return mysql_request(skb, at, end);
        case HEALTH_TLS:
            return tls_request(skb, at, end);
        default:
            return http1_request(skb, at, end);
    }
}

/* Payload behind the request that begins this packet: the rest of its body, or a request that was sent along with it. */
static __always_inline __u32 traits_behind(struct __sk_buff* skb, const struct packet* p) {
    if (health.protocol != HEALTH_HTTP) return 0;
    __u32 at = http1_head_end(skb, p->payload, p->end);
    int what = at == 0 ? HTTP1_NONE : http1_request(skb, at, p->end);
    if (what == HTTP1_CHECK && from_checker(p)) COUNT(unseen);
    return what == HTTP1_NONE ? 0 : TANGLED;
}

/* Where a packet from the client stands in what it says. */
enum place {
    IN_ORDER, /* next, or what the gap begins with */
    AHEAD,    /* something before it is on its way still, or lost */
    AGAIN,    /* sent before, or a keep-alive probe's byte: draws nothing again */
};

/* A retransmission carries the newest ack, so only its own sequence number tells. */
static __always_inline enum place take_place(struct flow* flow, const struct packet* p) {
    __u32 next = p->seq + (p->end - p->payload);
    __s32 ahead = (__s32)(p->seq - flow->next);
    int open = flow->gap != flow->gap_end;
    if (ahead < 0 && open && p->seq == flow->gap) {
        flow->gap = (__s32)(next - flow->gap_end) < 0 ? next : flow->gap_end;
        return IN_ORDER;
    }
    if (ahead > 0 && !open) {
        flow->gap = flow->next;
        flow->gap_end = p->seq;
        open = 1;
    }
    if ((__s32)(next - flow->next) > 0) flow->next = next;
    return ahead < 0 ? AGAIN : open ? AHEAD : IN_ORDER;
}

/* Whether a new request came while an answer was on its way: it is pipelined, though it acknowledges more than the one before. */
static __always_inline int overtakes(const struct packet* p, const struct flow* last) {
    return !(last->traits & UNASKED) && (__s32)(last->sent - p->ack) > 0;
}

/* `last`: the exchange before, which is over; NULL if there was none. */
static __always_inline void new_exchange(struct __sk_buff* skb, const struct packet* p, int direction, const struct flow_key* key, int what,
                                         struct flow* last) {
    __u32 traits = last ? last->traits & (TANGLED | OPAQUE) : 0;
    if (last != NULL && what != HTTP1_NONE && overtakes(p, last)) traits |= TANGLED;
    struct flow flow = {.begin = p->ack, .next = p->seq + (p->end - p->payload), .state = PASSED, .traits = traits, .sent = p->ack};
    int check = (what == HTTP1_CHECK || what == HTTP1_CUT) && from_checker(p);
    if (check && (what == HTTP1_CUT || traits & TANGLED))
        COUNT(unseen);
    else if (check)
        flow.state = first_state(skb, direction, key);
    if (what == HTTP1_NONE && (last == NULL || last->traits & UNASKED)) count_encrypted(skb, p);
    flow.traits |= what == HTTP1_NONE ? GOES_ON : traits_behind(skb, p);
    if (last != NULL) { /* in its place: an update would make a new element */
        last->state = PASSED;
        barrier();
        if (last->traits & UNASKED) last->sent = flow.sent;
        last->begin = flow.begin;
        last->resets = 0;
        last->traits = flow.traits;
        barrier();
        last->state = flow.state;
        return;
    }
    if (bpf_map_update_elem(&flows, key, &flow, BPF_ANY) < 0 && flow.state == CHOSEN) COUNT(unseen);
}

/* The ports are used anew. A request within the SYN (TCP Fast Open, RFC 7413) has an answer that begins nobody knows where. */
static __always_inline void on_connect(struct __sk_buff* skb, const struct packet* p, const struct flow_key* key) {
    struct flow flow = {.next = p->seq + 1, .state = PASSED, .traits = UNASKED};
    bpf_map_update_elem(&flows, key, &flow, BPF_ANY);
    if (p->end != p->payload && request(skb, p->payload, p->end) == HTTP1_CHECK && from_checker(p)) COUNT(unseen);
}

static __always_inline void on_request(struct __sk_buff* skb, const struct packet* p, int direction) {
    struct flow_key key = {};
    key_of_request(&key, p);
    if (p->tcp_flags & 2) {
        on_connect(skb, p, &key);
        return;
    }
    if (p->end == p->payload) return;
    struct flow* flow = bpf_map_lookup_elem(&flows, &key);
    enum place place = flow ? take_place(flow, p) : IN_ORDER;
    if (place == AGAIN) return;
    int what = flow && flow->traits & OPAQUE ? HTTP1_NONE : request(skb, p->payload, p->end);
    if (flow == NULL || (place == IN_ORDER && (flow->traits & UNASKED || (__s32)(p->ack - flow->begin) > 0))) {
        new_exchange(skb, p, direction, &key, what, flow);
    } else if (what != HTTP1_NONE) {
        /* The server has not begun to answer what came before: pipelined (or a body that looks like a request). */
        flow->traits |= TANGLED;
        if (what == HTTP1_CHECK && from_checker(p)) COUNT(unseen);
    }
}

/* A 204 has no length, and with another status a keep-alive client would wait for a body: its Date becomes the length. Returns
   0 if there is no Date in this packet to make room. */
static __always_inline int frame_empty(struct __sk_buff* skb, const struct packet* p, __u32 at) {
    __u8 was[HTTP1_DATE + 1] = {}, now[HTTP1_DATE + 1] = "Content-Length: 0                  ";
    __u32 date = http1_date(skb, at, p->end);
    if (date == 0 || bpf_skb_load_bytes(skb, date, was, HTTP1_DATE) < 0) return 0;
    return tcp_write(skb, p, date, was, now, HTTP1_DATE);
}

/* What an answer begins with becomes another beginning, of the same length. */
static __always_inline int show(struct __sk_buff* skb, const struct packet* p, struct flow* flow, __u32 at) {
    __u8 was[HEALTH_SHOWN_MAX] = {}, now[HEALTH_SHOWN_MAX] = {};
    __u32 size = health.shown_size;
    if (health.protocol == HEALTH_AGENT || (health.protocol == HEALTH_REDIS && health.result == HEALTH_PASS)) {
        int written = health.protocol == HEALTH_AGENT ? agent_write(skb, p, at) : redis_pass(skb, p, at);
        if (!written) return give_up(&flow->state);
        acted(&flow->state);
        return NEXT;
    }
    if (size == 0 || size > HEALTH_SHOWN_MAX || bpf_skb_load_bytes(skb, at, was, size) < 0) return give_up(&flow->state);
    for (__u32 i = 0; i < HEALTH_SHOWN_MAX; i++) now[i] = health.shown_mask >> i & 1 ? health.shown[i] : was[i];
    if (!tcp_write(skb, p, at, was, now, size)) return give_up(&flow->state);
    acted(&flow->state);
    return NEXT;
}

static __always_inline int rewrite(struct __sk_buff* skb, const struct packet* p, struct flow* flow, __u32 at, __u32 status,
                                   const __u8 was[HTTP1_STATUS_DIGITS]) {
    if (health.result == HEALTH_PASS && status < 300) return NEXT; /* healthy by itself */
    if (health.protocol != HEALTH_HTTP) return health.result == HEALTH_STATUS && status >= 300 ? NEXT : show(skb, p, flow, at);
    /* as asked already: not our doing, not a hit */
    if (was[0] == health.shown[0] && was[1] == health.shown[1] && was[2] == health.shown[2]) return NEXT;
    /* A 304 has no body either, and the length of one that is not sent (RFC 9110 §15.4.5). */
    if (status == 304 || (status == 204 && !frame_empty(skb, p, at))) return give_up(&flow->state);
    return show(skb, p, flow, at + HTTP1_DIGITS);
}

/* A retransmission that begins or ends inside what was rewritten: the bytes that are there. */
static __always_inline int rewrite_part(struct __sk_buff* skb, const struct packet* p, const struct flow* flow) {
    for (__u32 i = 0; i < HEALTH_SHOWN_MAX; i++) {
        if (!(health.shown_mask >> i & 1)) continue;
        __u32 offset = flow->begin + SHOWN_OFFSET + i - p->seq;
        __u8 was[4] = {}, now[4] = {health.shown[i]};
        if (offset < p->end - p->payload && bpf_skb_load_bytes(skb, p->payload + offset, was, 1) == 0)
            tcp_write(skb, p, p->payload + offset, was, now, 1);
    }
    return NEXT;
}

static __always_inline int reset_client(struct __sk_buff* skb, struct packet* p, struct flow* flow, __u32 seq) {
    if (!tcp_become_reset(skb, p, seq)) return give_up(&flow->state);
    acted(&flow->state);
    if (++flow->resets == RESETS_MOST) flow->state = PASSED;
    return NEXT;
}

/* Held back: for the fault's delay, or for good. */
static __always_inline int hold(struct __sk_buff* skb, const struct packet* p, int direction) {
    if (health.result == HEALTH_SLOW) return send_through(skb, p->l3, direction);
    return direction == INGRESS ? SHOT : VANISH();
}

static __always_inline int change(struct __sk_buff* skb, struct packet* p, int direction, struct flow* flow, __u32 at, __u32 seq,
                                  __u32 status, __u8 digits[HTTP1_STATUS_DIGITS]) {
    if (!HOLDS) return rewrite(skb, p, flow, at, status, digits);
    if (health.result == HEALTH_RESET) return reset_client(skb, p, flow, seq);
    acted(&flow->state);
    return hold(skb, p, direction);
}

/* Skips interim responses (RFC 9110 §15.2) and moves the beginning of the final one behind them. Returns the final status; 0
   if it is not in this packet. */
static __always_inline __u32 http1_final_status(struct __sk_buff* skb, const struct packet* p, struct flow* flow, __u32* at,
                                                __u8 digits[HTTP1_STATUS_DIGITS]) {
    __u32 status = 0;
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

/* The status that the final answer amounts to, in the words of HTTP; 0 if it cannot be told. */
static __always_inline __u32 final_status(struct __sk_buff* skb, const struct packet* p, struct flow* flow, __u32* at,
                                          __u8 digits[HTTP1_STATUS_DIGITS]) {
    switch (health.protocol) {
        case HEALTH_REDIS:
            return redis_status(skb, *at, p->end);
        case HEALTH_POSTGRESQL:
            return postgresql_status(skb, *at, p->end);
        case HEALTH_MYSQL: {
            __u32 greeting = mysql_greeting(skb, *at, p->end);
            flow->begin += greeting;
            *at += greeting;
            return greeting && *at >= p->end ? 100 : mysql_status(skb, *at, p->end);
        }
        case HEALTH_AGENT:
            return HOLDS ? 200 : agent_status(skb, *at, p->end);
        case HEALTH_TLS:
            return 200;
        default:
            return http1_final_status(skb, p, flow, at, digits);
    }
}

/* Whether no answer begins there: the request was sent, and acknowledged what there was, while the answer before it still came. */
static __always_inline int is_another(struct __sk_buff* skb, const struct packet* p, const struct flow* flow, __u32 at) {
    __u8 first = 0;
    if (health.protocol != HEALTH_HTTP || flow->traits & GOES_ON || bpf_skb_load_bytes(skb, at, &first, 1) < 0) return 0;
    return first != 'H' || at + HTTP1_STATUS_LINE <= p->end; /* else it may be cut */
}

static __always_inline int on_beginning(struct __sk_buff* skb, struct packet* p, int direction, struct flow* flow,
                                        const struct flow_key* key, __u32 at) {
    __u8 digits[HTTP1_STATUS_DIGITS] = {};
    __u32 expected = flow->begin;
    if (flow->traits & OPAQUE) return NEXT;
    __u32 status = final_status(skb, p, flow, &at, digits);
    if (status >= 100 && status <= 199) return NEXT; /* the final one is still to come */
    if (status == 0 && is_another(skb, p, flow, at)) flow->traits |= TANGLED;
    decide_at_answer(skb, direction, &flow->state, key);
    if (flow->state != CHOSEN && flow->state != ACTED) return NEXT;
    if (status == 0 && flow->state == CHOSEN) return give_up(&flow->state);
    if (!lasting(bpf_ktime_get_ns())) return NEXT;
    if (status == 0 && !HOLDS) return rewrite_part(skb, p, flow);
    return change(skb, p, direction, flow, at, expected, status, digits);
}

/* A greeting that crossed the login on its way: the answer to it is behind what the login acknowledged. */
static __always_inline void behind_greeting(struct __sk_buff* skb, const struct packet* p, struct flow* flow) {
    if (flow->state == CHOSEN && (__s32)(p->seq - flow->begin) > 0 && mysql_status(skb, p->payload, p->end)) flow->begin = p->seq;
}

static __always_inline int on_response(struct __sk_buff* skb, struct packet* p, int direction) {
    struct flow_key key = {};
    key_of_response(&key, p);
    struct flow* flow = p->end == p->payload ? NULL : bpf_map_lookup_elem(&flows, &key);
    if (flow == NULL) return NEXT;
    __u32 end = p->seq + (p->end - p->payload);
    if ((__s32)(end - flow->sent) > 0) flow->sent = end;
    if ((__s32)(p->ack - flow->next) >= 0) flow->next = flow->gap = flow->gap_end = p->ack; /* the server has had all */
    if (flow->traits & UNASKED) return NEXT;
    if (health.protocol == HEALTH_MYSQL) behind_greeting(skb, p, flow);
    __u32 offset = flow->begin - p->seq;
    if (offset < p->end - p->payload) return on_beginning(skb, p, direction, flow, &key, p->payload + offset);
    if (0 - offset > LONG_PAST && 0 - offset < 2 * LONG_PAST) {
        flow->state = PASSED;
        flow->begin = p->seq;
    }
    if (flow->state != ACTED || (__s32)(p->seq - flow->begin) <= 0) return NEXT;
    if (HOLDS && health.result != HEALTH_RESET && lasting(bpf_ktime_get_ns())) return hold(skb, p, direction);
    if (!HOLDS && p->seq - flow->begin < SHOWN_OFFSET + health.shown_size && lasting(bpf_ktime_get_ns())) return rewrite_part(skb, p, flow);
    return NEXT;
}

/* A check in which the server speaks first: what it says begins behind its SYN and ACK. */
static __always_inline void speaks_first(const struct packet* p) {
    struct flow_key key = {};
    key_of_response(&key, p);
    struct flow* flow = bpf_map_lookup_elem(&flows, &key);
    if (flow != NULL && flow->next + 1 == p->ack) flow->begin = p->seq + 1;
}

/* A check that only connects: its SYN is the request, the SYN and ACK that comes back the answer. */
static __always_inline void on_syn(struct __sk_buff* skb, const struct packet* p, int direction) {
    struct flow_key key = {};
    if ((p->tcp_flags & 0x12) != 2 || !from_checker(p)) return;
    key_of_request(&key, p);
    const struct flow* before = bpf_map_lookup_elem(&flows, &key);
    if (before != NULL && before->next == p->seq) return; /* sent again */
    struct flow flow = {.next = p->seq, .state = first_state(skb, direction, &key)};
    if (bpf_map_update_elem(&flows, &key, &flow, BPF_ANY) < 0 && flow.state == CHOSEN) COUNT(unseen);
}

static __always_inline int on_syn_ack(struct __sk_buff* skb, struct packet* p, int direction) {
    struct flow_key key = {};
    __u8 none[HTTP1_STATUS_DIGITS] = {};
    if ((p->tcp_flags & 0x12) != 0x12) return NEXT;
    key_of_response(&key, p);
    struct flow* flow = bpf_map_lookup_elem(&flows, &key);
    if (flow == NULL || flow->next + 1 != p->ack) return NEXT;
    decide_at_answer(skb, direction, &flow->state, &key);
    if ((flow->state != CHOSEN && flow->state != ACTED) || !lasting(bpf_ktime_get_ns())) return NEXT;
    return change(skb, p, direction, flow, p->payload, p->seq, 0, none);
}

static __always_inline int act(struct __sk_buff* skb, __u32 l3, int direction) {
    struct packet p;
    if (was_held(skb) || !concerns_checks(skb, l3, &p)) return NEXT;
    if (health.protocol == HEALTH_TCP) {
        if (listed(p.destination_port)) on_syn(skb, &p, direction);
        return listed(p.source_port) ? on_syn_ack(skb, &p, direction) : NEXT;
    }
    if (health.protocol == HEALTH_AGENT && p.tcp_flags & 2) {
        if (listed(p.destination_port)) on_syn(skb, &p, direction);
        if (listed(p.source_port)) speaks_first(&p);
        return NEXT;
    }
    if (listed(p.destination_port) && health.protocol != HEALTH_AGENT) on_request(skb, &p, direction);
    if (listed(p.source_port)) return on_response(skb, &p, direction);
    return NEXT;
}

TC_PROGRAMS(act)
