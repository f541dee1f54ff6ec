// The dns program on packets that libFuzzer makes up. A packet that it answers has to come out well formed; nothing may be read
// or written outside of it (a page that cannot be touched lies behind it).
#define _GNU_SOURCE
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/pkt_cls.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <stdint.h>
#include <sys/mman.h>

#define const  // the configuration is fixed before the program is loaded, which here is at run time
#include "injector/bpf/dns.bpf.c"
#undef const

enum { ROOM = 8192, ETHERNET = 14 };

__u64 fuzz_now = 1000000000;
static uint8_t* room;  // in the low 4 GiB: the kernel gives programs 32-bit addresses
static struct scratch scratch_memory;
static struct dns_seen seen_memory, draft_memory;
static struct dns_bucket every_name = {.slot = {DNS_EXACT | DNS_UNDER}};  // the suffix of no label at all
static int has_seen;

static void demand(int truth) {
    if (!truth) __builtin_trap();
}

void* fuzz_lookup(const void* map, const void* key) {
    if (map == &scratches) return &scratch_memory;
    if (map == &drafts) return &draft_memory;
    if (map == &answers) return has_seen ? &seen_memory : 0;
    if (map == &names) return *(const __u32*)key == 0 ? &every_name : 0;
    return &every_name;  // any server
}

void* fuzz_packet(struct __sk_buff* skb, __u32 offset, __u32 size) {
    return (__u64)offset + size <= skb->len ? (uint8_t*)(uintptr_t)skb->data + offset : 0;
}

// The packet always ends where the room does.
static void put_packet(struct __sk_buff* skb, const void* bytes, __u32 size) {
    uint8_t* to = room + ROOM - size;
    memmove(to, bytes, size);
    skb->len = size;
    skb->data = (__u32)(uintptr_t)to;
    skb->data_end = (__u32)(uintptr_t)(room + ROOM);
}

int fuzz_resize(struct __sk_buff* skb, __u32 size) {
    static uint8_t copy[ROOM];
    if (size > ROOM / 2) return 0;
    memset(copy, 0, sizeof copy);
    memcpy(copy, (void*)(uintptr_t)skb->data, skb->len < size ? skb->len : size);
    put_packet(skb, copy, size);
    return 1;
}

static uint32_t sum(const uint8_t* bytes, uint32_t size, uint32_t before) {
    for (uint32_t i = 0; i < size; i++) before += i & 1 ? bytes[i] : (uint32_t)bytes[i] << 8;
    while (before >> 16) before = (before & 0xffff) + (before >> 16);
    return before;
}

static uint32_t udp_sum(const uint8_t* ip, const uint8_t* udp, uint32_t size) {
    const int four = ip[0] >> 4 == 4;
    return sum(udp, size, sum(four ? ip + 12 : ip + 8, four ? 8 : 32, IPPROTO_UDP + size));
}

static void put16(uint8_t* to, uint32_t value) {
    to[0] = (uint8_t)(value >> 8);
    to[1] = (uint8_t)value;
}

static uint32_t ip_size(int four) { return four ? 20 : 40; }

// A whole packet to port 53, or from it, around a message; its size.
static uint32_t wrap(uint8_t* to, uint32_t l3, int four, int responds, const uint8_t* message, uint32_t size) {
    uint8_t *ip = to + l3, *udp = ip + ip_size(four);
    memset(to, 0, l3 + ip_size(four) + 8);
    memcpy(udp + 8, message, size);
    ip[0] = four ? 0x45 : 0x60;
    put16(ip + (four ? 2 : 4), (four ? 20 : 0) + 8 + size);
    ip[four ? 9 : 6] = IPPROTO_UDP;
    ip[four ? 8 : 7] = 64;
    memset(four ? ip + 12 : ip + 8, 10, four ? 8 : 32);
    if (four) put16(ip + 10, ~sum(ip, 20, 0));
    put16(udp, responds ? 53 : 4711);
    put16(udp + 2, responds ? 4711 : 53);
    put16(udp + 4, 8 + size);
    const uint32_t whole = ~udp_sum(ip, udp, 8 + size) & 0xffff;
    put16(udp + 6, whole ? whole : 0xffff);
    return l3 + ip_size(four) + 8 + size;
}

static void expect_well_formed(const struct __sk_buff* skb, uint32_t l3, int four, const uint8_t* message, uint32_t size) {
    const uint8_t *ip = (uint8_t*)(uintptr_t)skb->data + l3, *udp = ip + ip_size(four);
    const uint32_t length = skb->len - l3 - ip_size(four);
    demand(((uint32_t)udp[4] << 8 | udp[5]) == length && length >= 8 + HEADER);
    demand(!four || sum(ip, 20, 0) == 0xffff);
    demand(udp_sum(ip, udp, length) == 0xffff && (udp[6] || udp[7]));
    demand(udp[8] == message[0] && udp[9] == message[1] && udp[10] & 0x80);
    const uint32_t question = scratch_memory.query.tail - scratch_memory.query.message - HEADER;
    demand(HEADER + question <= size && memcmp(udp + 8 + HEADER, message + HEADER, question) == 0);
}

static void configure(uint8_t kind) {
    memset((void*)&told[0], 0, sizeof told[0]);
    memset((void*)&control, 0, sizeof control);
    control.armed_ns = 1;
    control.ends_ns = control.lease_ns = ~0ULL;
    terms.probability = 1ULL << 32;
    dns.port = bpf_htons(53);
    dns.opcodes = 0xffff;
    dns.exact_depths[0] = 1;
    dns.suffixes = dns.every_type = dns.every_server = dns.turns = dns.remembers = 1;
    dns.suffix_powers[0] = 1;
    dns.negative = kind & 1;
    has_seen = told[0].stale = kind >> 1 & 1;
    told[0].truncated = (kind & 0x0c) == 0x0c;
    told[0].a.count = kind >> 2 & 15;
    told[0].a.size = DNS_A_SIZE;
    told[0].aaaa.count = kind >> 3 & 15;
    told[0].aaaa.size = DNS_AAAA_SIZE;
    memset((void*)&seen_memory, 0, sizeof seen_memory);
    seen_memory.size = kind * 3U;
}

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    static uint8_t packet[ROOM];
    if (!room) {
        room = mmap(0, ROOM + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
        demand(room != MAP_FAILED && mprotect(room + ROOM, 4096, PROT_NONE) == 0);
    }
    if (size < 2 || size > 1500) return 0;
    const uint8_t how = data[0];
    const int four = how & 1, direction = how >> 1 & 1, wrapped = how >> 2 & 1;
    const uint32_t l3 = how & 8 ? ETHERNET : 0;
    configure(data[1]);
    data += 2;
    size -= 2;
    struct __sk_buff skb = {.protocol = bpf_htons(four ? ETH_P_IP : ETH_P_IPV6), .ifindex = 2};
    if (wrapped)
        put_packet(&skb, packet, wrap(packet, l3, four, how >> 4 & 1, data, (uint32_t)size));
    else
        put_packet(&skb, data, (uint32_t)size);
    const uint32_t before = skb.len;
    const int verdict = act(&skb, l3, direction);
    if (verdict == NEXT) demand(skb.len == before && control.hits == 0);
    if (wrapped && verdict == 7) expect_well_formed(&skb, l3, four, data, (uint32_t)size);
    return 0;
}
