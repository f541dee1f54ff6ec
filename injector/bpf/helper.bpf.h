/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/* The way to a helper device and back (helper.h). Included by faults that work through one; after terms.bpf.h. */
#pragma once

#include "injector/bpf/helper.h"
#include "injector/bpf/packet.bpf.h"
#include "injector/bpf/stack.bpf.h"

const volatile struct helper helper = {};

__u64 held[HELD_COUNTS] = {};

static __always_inline __u16 clock_now(void) { return (__u16)(bpf_ktime_get_ns() >> helper.clock_shift); }

static __always_inline void count_held(__u16 ticks) {
    __u32 shift = 0;
    for (__u32 i = 0; i < 11; i++)
        if (ticks >> shift >= 2 * HELD_STEPS) shift++;
    __u32 step = ticks < HELD_STEPS ? ticks : (shift + 1) * HELD_STEPS + (ticks >> shift) % HELD_STEPS;
    if (step < HELD_COUNTS) __sync_fetch_and_add(&held[step], 1);
}

static __always_inline int slot_of(__u32 ifindex) {
    for (__u32 i = 0; i < HELPER_SLOTS && i < helper.slots; i++)
        if (helper.slot[i] == ifindex) return (int)i;
    return -1;
}

/* Sends the packet through the helper, and returns the verdict. Where that is not possible it passes, counted as unseen. */
static __always_inline int send_through(struct __sk_buff* skb, __u32 l3, int direction) {
    int slot = slot_of(skb->ifindex);
    if (slot < 0) goto unseen;
    if (l3 == 0) {
        /* The helper is an Ethernet device: without a header the kernel takes the first bytes of IP for one, or drops the packet.
           On the way back to a device without one, the kernel takes it off (__bpf_redirect_no_mac, net/core/filter.c). */
        struct ethhdr header = {.h_proto = (__be16)skb->protocol};
        if (bpf_skb_change_head(skb, sizeof header, 0) < 0 || bpf_skb_store_bytes(skb, 0, &header, sizeof header, 0) < 0) goto unseen;
    }
    __u32 tag = (direction == INGRESS ? HELPER_INWARD : 0) | (__u32)slot << 8 | mask_of(skb) | stack.bit;
    if (bpf_skb_vlan_push(skb, bpf_htons(HELPER_PROTOCOL), (__u16)tag) < 0) goto unseen;
    if (helper.clock_shift) skb->tc_index = clock_now();
    return (int)bpf_redirect(helper.ifindex, 0);
unseen:
    COUNT(unseen);
    return NEXT;
}

/* On the helper's ingress: puts the packet back where it was. What has no tag of ours is not ours, and goes nowhere. */
static __always_inline int give_back(struct __sk_buff* skb) {
    __u32 tag = skb->vlan_tci;
    if (!skb->vlan_present || skb->vlan_proto != bpf_htons(HELPER_PROTOCOL)) return SHOT;
    __u32 slot = tag >> 8 & 0x7f;
    if (slot >= HELPER_SLOTS || bpf_skb_vlan_pop(skb) < 0) return SHOT;
    if (helper.clock_shift) count_held((__u16)(clock_now() - skb->tc_index));
    skb->tc_index = (__u16)((__u32)stack.tag << 8 | (tag & 0xff));
    /* a frame that is not addressed to the helper is somebody else's until we say otherwise: `lo` would drop it */
    bpf_skb_change_type(skb, 0 /* PACKET_HOST, linux/if_packet.h */);
    return (int)bpf_redirect(helper.slot[slot], tag & HELPER_INWARD ? BPF_F_INGRESS : 0);
}

/* For a fault that is nothing but the way: what comes back was hit. */
static __always_inline int give_back_hit(struct __sk_buff* skb) {
    int verdict = give_back(skb);
    if (verdict != SHOT) COUNT(hits);
    return verdict;
}
