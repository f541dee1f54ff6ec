/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/* Included by each fault's program: its terms, its control block, and the questions every fault asks of them. */
#pragma once

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "injector/bpf/terms.h"

/* The kernel knows no name for "GPL-2.0 or Apache-2.0": this is the half that it asks about. */
char LICENSE[] SEC("license") = "GPL";

const volatile struct terms terms = {};
struct control control = {};

#define COUNT(field) __sync_fetch_and_add(&control.field, 1)

/* Law 2: inert before arming, after the end, and once the lease has run out. Ask on a match only: it costs a clock.
   A fault that goes on with what it once began (a retransmission of an answer it changed) asks this and not in_force. */
static __always_inline int lasting(__u64 now) {
    if (control.armed_ns == 0 || now >= control.ends_ns) return 0;
    if (now < control.lease_ns) return 1;
    COUNT(lapsed);
    return 0;
}

__u64 tick_jiffies = 0, tick_ns = 0;

/* The time at which this was first asked in the present tick: a few milliseconds old at most, and it costs no call. */
static __always_inline __u64 tick(void) {
    volatile __u64* at = &tick_jiffies;
    volatile __u64* ns = &tick_ns;
    __u64 jiffies = bpf_jiffies64();
    if (*at != jiffies) {
        *ns = bpf_ktime_get_ns();
        *at = jiffies;
    }
    return *ns;
}

/* Whether something new may be hit now: lasting, and not in a pause of a cycle by time. By the tick: perhaps behind
   armed_ns, too. */
static __always_inline int in_force(void) {
    __u64 now = tick();
    if (!lasting(now)) return 0;
    __u64 period = terms.cycle_on_ns + terms.cycle_off_ns;
    __u64 elapsed = now > control.armed_ns ? now - control.armed_ns : 0;
    return period == 0 || elapsed % period < terms.cycle_on_ns;
}

/* splitmix64 (Steele, Lea, Flood 2014): the n-th draw of the seed. */
static __always_inline __u64 draw(__u64 n) {
    __u64 z = terms.seed + (n + 1) * 0x9e3779b97f4a7c15ULL;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
}

/* The cycle by count, for the n-th unit (n from 0); a kind whose cycle is kept per peer asks with that peer's n. */
static __always_inline int in_turn(__u64 n) {
    __u32 period = terms.cycle_fail + terms.cycle_pass;
    return period == 0 || n % period < terms.cycle_fail;
}

/* The probability, for the n-th unit of all. */
static __always_inline int drawn(__u64 n) { return (draw(n) >> 32) < terms.probability; }

/* Whether the n-th matching unit (n from 0) is to be hit, by the cycle's count and the probability. */
static __always_inline int chosen(__u64 n) { return in_turn(n) && drawn(n); }

/* Whether the packet is in the cgroup scope. Egress only: at ingress the kernel knows no cgroup. */
static __always_inline int in_scope(struct __sk_buff* skb) {
    return terms.cgroup_id == 0 || bpf_skb_ancestor_cgroup_id(skb, (int)terms.cgroup_level) == terms.cgroup_id;
}
