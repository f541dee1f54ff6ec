// Stands before the kernel's header of that name: the same program, compiled natively, runs on a packet in memory. Its helpers
// check what the kernel would, and end the process where the kernel would refuse.
#pragma once

#include <linux/bpf.h>
#include <linux/types.h>
#include <stdlib.h>
#include <string.h>

#define SEC(name) __attribute__((unused))
#undef __always_inline
#define __always_inline inline __attribute__((always_inline))
#define __noinline __attribute__((noinline))
#define __uint(name, value) int(*name)[value]
#define __type(name, value) value* name

extern void* fuzz_lookup(const void* map, const void* key);
extern void* fuzz_packet(struct __sk_buff* skb, __u32 offset, __u32 size);  // NULL: not in the packet
extern __u64 fuzz_now;
extern int fuzz_resize(struct __sk_buff* skb, __u32 size);

static inline void* bpf_map_lookup_elem(const void* map, const void* key) { return fuzz_lookup(map, key); }
static inline long bpf_map_update_elem(const void* map, const void* key, const void* value, __u64 flags) {
    (void)map, (void)key, (void)value, (void)flags;
    return 0;
}
static inline long bpf_skb_load_bytes(const struct __sk_buff* skb, __u32 offset, void* to, __u32 size) {
    const void* from = fuzz_packet((struct __sk_buff*)skb, offset, size);
    if (!from) return -1;
    memcpy(to, from, size);
    return 0;
}
static inline long bpf_skb_store_bytes(struct __sk_buff* skb, __u32 offset, const void* from, __u32 size, __u64 flags) {
    (void)flags;
    void* to = fuzz_packet(skb, offset, size);
    if (!to) return -1;
    memcpy(to, from, size);
    return 0;
}
static inline long bpf_skb_change_tail(struct __sk_buff* skb, __u32 size, __u64 flags) {
    (void)flags;
    return fuzz_resize(skb, size) ? 0 : -1;
}
static inline long bpf_loop(__u32 rounds, void* step, void* context, __u64 flags) {
    (void)flags;
    long (*call)(__u32, void*) = (long (*)(__u32, void*))step;
    __u32 i = 0;
    while (i < rounds && call(i, context) == 0) i++;
    return i;
}
static inline __u64 bpf_jiffies64(void) { return fuzz_now; }
static inline __u64 bpf_ktime_get_ns(void) { return fuzz_now; }
static inline long bpf_redirect(__u32 ifindex, __u64 flags) { return (void)ifindex, (void)flags, 7; }
static inline long bpf_skb_vlan_push(struct __sk_buff* skb, __be16 protocol, __u16 tag) { return (void)skb, (void)protocol, (void)tag, 0; }
static inline long bpf_skb_vlan_pop(struct __sk_buff* skb) { return (void)skb, 0; }
static inline long bpf_skb_change_head(struct __sk_buff* skb, __u32 size, __u64 flags) { return (void)skb, (void)size, (void)flags, -1; }
static inline long bpf_skb_change_type(struct __sk_buff* skb, __u32 type) { return (void)skb, (void)type, 0; }
static inline __u64 bpf_skb_ancestor_cgroup_id(struct __sk_buff* skb, int level) { return (void)skb, (void)level, 0; }
static inline long bpf_csum_update(struct __sk_buff* skb, __u32 sum) { return (void)skb, (void)sum, -1; }
// As inet_proto_csum_replace2 does to a whole checksum (net/core/utils.c); 0xffff for 0, as BPF_F_MARK_MANGLED_0 asks.
static inline long bpf_l4_csum_replace(struct __sk_buff* skb, __u32 at, __u64 from, __u64 to, __u64 flags) {
    (void)flags;
    __u16* field = (__u16*)fuzz_packet(skb, at, 2);
    if (!field) return -1;
    __u64 sum = (__u64)(__u16) ~*field + (__u16)~from + to;
    while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
    *field = (__u16)~sum ? (__u16)~sum : 0xffff;
    return 0;
}
static inline long bpf_l3_csum_replace(struct __sk_buff* skb, __u32 at, __u64 from, __u64 to, __u64 size) {
    return bpf_l4_csum_replace(skb, at, from, to, size);
}
static inline __s64 bpf_csum_diff(const void* from, __u32 from_size, const void* to, __u32 to_size, __u32 seed) {
    (void)from, (void)from_size, (void)to, (void)to_size;
    return seed;
}
