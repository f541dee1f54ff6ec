/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/* Health checks over HTTP/2 in clear, and those of gRPC on top of it, that lie. A connection is followed from its first octet: its
   frames, and the entries of the dynamic table that are the path (hpack.bpf.h). A check is a stream; the octet of its answer that
   says how it went becomes another, as often as it is sent. Everything else on the connection passes as it is.

   Both directions are followed wherever they show up, as in health.bpf.c. */
#include "injector/bpf/http2_answer.bpf.h"
#include "injector/bpf/http2_request.bpf.h"
#include "injector/bpf/http2_upgrade.bpf.h"

static __always_inline void on_request(struct __sk_buff* skb, const struct packet* p, int direction) {
    struct conversation v = {.reader = {.skb = skb, .p = p, .seq = p->seq, .size = p->end - p->payload}, .direction = direction};
    key_of_request(&v.key.flow, p);
    if (p->tcp_flags & 2) {
        struct connection* c = new_connection(&v.key.flow);
        if (c) c->requests.next = p->seq + 1;
        return;
    }
    v.c = bpf_map_lookup_elem(&connections, &v.key.flow);
    if (v.c) v.c->acknowledged = p->ack;
    if (v.reader.size == 0) return;
    if (!v.c || may_upgrade(&v)) {
        int what = upgrade_in(skb, p->payload, p->end);
        int check = (what == UPGRADE_UNSEEN || what == UPGRADE_CHECK) && from_checker(p);
        if (what >= UPGRADE_OTHER) {
            upgrade(&v, check);
            return;
        }
        if (check) COUNT(unseen);
        if (!v.c || v.c->request_mode == IN_PREFACE) count_encrypted(skb, p);
    }
    if (!v.c) {
        /* Older than the fault, or so it seems: it can be followed if this is its beginning. */
        v.c = new_connection(&v.key.flow);
        if (!v.c) return;
        v.c->requests.next = p->seq;
        v.c->acknowledged = p->ack;
        __u32 begins = 0;
        const union {
            char text[4];
            __u32 word;
        } pri = {"PRI "};
        if (bpf_skb_load_bytes(skb, p->payload, &begins, sizeof begins) < 0 || begins != pri.word) lose(v.c);
    }
    if (!v.c->answers_known) {
        v.c->answers_known = 1;
        v.c->answers[0].frames.next = p->ack;
    }
    if (v.c->request_mode < OTHER) read_requests(&v);
}

/* Until nothing has been held for as long as the delay: what came later would overtake. */
static __always_inline int slow_down(struct __sk_buff* skb, const struct packet* p, int direction, struct connection* c) {
    __u64 now = bpf_ktime_get_ns();
    if (c->cut_state == ACTED && now >= c->held_until) return NEXT;
    acted(&c->cut_state);
    c->held_until = now + health.delay_ns;
    return send_through(skb, p->l3, direction);
}

static __always_inline int hold_connection(struct __sk_buff* skb, struct packet* p, int direction, struct connection* c) {
    if (c->cut_state == PASSED || (__s32)(p->seq + (p->end - p->payload) - c->cut) <= 0 || !lasting(bpf_ktime_get_ns())) return NEXT;
    if (health.result == HEALTH_RESET) {
        __u32 seq = (__s32)(c->acknowledged - p->seq) > 0 ? c->acknowledged : p->seq;
        if (!tcp_become_reset(skb, p, seq)) return give_up(&c->cut_state);
        acted(&c->cut_state);
        if (++c->resets == RESETS_MOST) c->cut_state = PASSED;
        return NEXT;
    }
    if (health.result == HEALTH_SLOW) return slow_down(skb, p, direction, c);
    acted(&c->cut_state);
    return direction == INGRESS ? SHOT : VANISH();
}

static __always_inline int on_response(struct __sk_buff* skb, struct packet* p, int direction) {
    struct conversation v = {.reader = {.skb = skb, .p = p, .seq = p->seq, .size = p->end - p->payload}, .direction = direction};
    key_of_response(&v.key.flow, p);
    if ((p->tcp_flags & 2) == 0 && v.reader.size == 0) return NEXT;
    v.c = bpf_map_lookup_elem(&connections, &v.key.flow);
    if (!v.c) return NEXT;
    if (p->tcp_flags & 2) {
        v.c->answers_known = 1;
        v.c->answers[0].frames.next = p->seq + 1;
        return NEXT;
    }
    if (!v.c->answers_known || v.c->request_mode == OTHER) return NEXT;
    if (v.c->upgrading && !answer_to_upgrade(&v)) return NEXT;
    /* What the server has had and we have not went another way (a FIN counts as one octet). */
    if (v.c->request_mode < OTHER && (__s32)(p->ack - v.c->requests.next) > 1) lose(v.c);
    read_answers(&v);
    if (HOLDS) return hold_connection(skb, p, direction, v.c);
    if (v.c->changed && lasting(bpf_ktime_get_ns())) bpf_loop(CHANGES, carry_out, &v, 0);
    return NEXT;
}

static __always_inline int act(struct __sk_buff* skb, __u32 l3, int direction) {
    struct packet p;
    if (was_held(skb) || !concerns_checks(skb, l3, &p)) return NEXT;
    if (listed(p.destination_port)) on_request(skb, &p, direction);
    if (listed(p.source_port)) return on_response(skb, &p, direction);
    return NEXT;
}

TC_PROGRAMS(act)
