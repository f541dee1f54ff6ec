#include "injector/dns_tables.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <set>
#include <unordered_map>

#include "injector/buckets.h"
#include "injector/kernel/error.h"

namespace blackstart {
namespace {

constexpr std::uint16_t kTypeA = 1, kTypeSoa = 6, kTypeAaaa = 28, kClassIn = 1, kPointerToQuestion = 0xc00c;
// RFC 1035 §3.3.13: a secondary that read this SOA would ask again in an hour, every ten minutes if it failed, for a day.
constexpr std::uint32_t kSerial = 1, kRefresh = 3600, kRetry = 600, kExpire = 86400;

std::uint8_t rcode(DnsFault::Answer answer) {
    switch (answer) {  // RFC 1035 §4.1.1
        case DnsFault::Answer::formerr:
            return 1;
        case DnsFault::Answer::servfail:
            return 2;
        case DnsFault::Answer::nxdomain:
            return 3;
        case DnsFault::Answer::notimp:
            return 4;
        case DnsFault::Answer::refused:
            return 5;
        case DnsFault::Answer::empty:
        case DnsFault::Answer::timeout:
        case DnsFault::Answer::truncate:
        case DnsFault::Answer::stale:
        case DnsFault::Answer::addresses:
            break;
    }
    return 0;
}

Prefix address(const std::string& text) {
    const auto found = parse_prefix(text);
    if (!found || text.find('/') != std::string::npos) throw Misuse(fmt::format("answer '{}': not an IPv4 or IPv6 address", text));
    return *found;
}

Prefix server(const std::string& text) {
    const auto found = parse_prefix(text);
    if (!found) throw Misuse(fmt::format("server '{}': not an address or CIDR", text));
    return *found;
}

void put16(std::uint8_t*& to, std::uint32_t value) {
    *to++ = static_cast<std::uint8_t>(value >> 8);
    *to++ = static_cast<std::uint8_t>(value);
}

void put32(std::uint8_t*& to, std::uint32_t value) {
    put16(to, value >> 16);
    put16(to, value);
}

// Of an even number of octets.
std::uint16_t sum(const std::uint8_t* from, const std::uint8_t* to, std::uint32_t before) {
    for (; from != to; from += 2) before += static_cast<std::uint32_t>(from[1] << 8 | from[0]);
    while (before >> 16 != 0) before = (before & 0xffff) + (before >> 16);
    return static_cast<std::uint16_t>(before);
}

dns_records records(const DnsFault::Told& told, std::chrono::seconds ttl, bool v4) {
    dns_records out{};
    out.size = v4 ? DNS_A_SIZE : DNS_AAAA_SIZE;
    std::uint8_t* to = out.bytes;
    for (const auto& text : told.addresses) {
        const Prefix ip = address(text);
        if (ip.v4() != v4) continue;
        if (out.count == DNS_ADDRESSES_MAX) throw Misuse("an answer holds at most 16 IPv4 and 16 IPv6 addresses");
        const std::uint8_t* const begin = to;
        const std::uint32_t length = v4 ? 4 : 16;
        for (const std::uint32_t half : {kPointerToQuestion, v4 ? kTypeA : kTypeAaaa, kClassIn}) put16(to, half);
        put32(to, static_cast<std::uint32_t>(ttl.count()));
        put16(to, length);
        to = std::copy(ip.address.end() - length, ip.address.end(), to);
        out.sums[out.count + 1] = sum(begin, to, out.sums[out.count]);
        out.count++;
    }
    return out;
}

dns_told told(const DnsFault::Told& from, std::chrono::seconds ttl) {
    dns_told out{};
    out.rcode = rcode(from.answer);
    out.silent = from.answer == DnsFault::Answer::timeout;
    out.truncated = from.answer == DnsFault::Answer::truncate;
    out.stale = from.answer == DnsFault::Answer::stale;
    out.a = records(from, ttl, true);
    out.aaaa = records(from, ttl, false);
    return out;
}

dns_soa soa(std::chrono::seconds ttl) {
    dns_soa out{};
    const auto keep = static_cast<std::uint32_t>(ttl.count());
    std::uint8_t* to = out.bytes;
    for (const std::uint32_t half : {std::uint16_t{0}, kTypeSoa, kClassIn}) put16(to, half);
    put32(to, keep);
    put16(to, DNS_SOA_SIZE - 12);
    put16(to, 0);  // primary server and mailbox: the root, an octet each
    for (const std::uint32_t word : {kSerial, kRefresh, kRetry, kExpire, keep}) put32(to, word);
    out.sum = sum(out.bytes, to, 0);
    return out;
}

// Where each label begins, from the start of the name.
std::vector<std::size_t> labels(const std::vector<std::uint8_t>& wire) {
    std::vector<std::size_t> starts;
    for (std::size_t at = 0; wire[at] != 0; at += wire[at] + 1U) starts.push_back(at);
    return starts;
}

// With their marks. Throws Misuse for suffixes of too many different depths.
std::vector<std::uint64_t> slots(const DnsFault& fault, ::dns_fault& config) {
    std::unordered_map<std::uint64_t, std::uint64_t> found;  // hash without marks → with them
    found.reserve(fault.names.size());
    std::set<std::size_t> suffixes;
    for (const auto& text : fault.names) {
        const DnsName name = parse_dns_name(text);
        const auto starts = labels(name.wire);
        const auto key = dns_name_hash(name.wire, config.hash_seed) & ~DNS_MARKS;
        found.emplace(key, key).first->second |= name.under ? DNS_UNDER : DNS_EXACT;
        const auto depth = starts.size();
        if (name.under)
            suffixes.insert(depth);
        else
            config.exact_depths[depth / 64] |= std::uint64_t{1} << (depth % 64);
    }
    if (suffixes.size() > DNS_SUFFIX_DEPTHS_MAX) throw Misuse("dns: the suffixes have more than 16 different numbers of labels");
    for (const auto depth : suffixes) {
        std::uint64_t power = 1;
        for (std::size_t i = 0; i < depth; i++) power *= DNS_HASH_FACTOR;
        config.suffix_powers[config.suffixes] = power;
        config.suffix_depths[config.suffixes++] = static_cast<std::uint8_t>(depth);
    }
    std::vector<std::uint64_t> marked;
    marked.reserve(found.size());
    for (const auto& [key, slot] : found) marked.push_back(slot);
    return marked;
}

::dns_fault config(const DnsFault& fault, std::uint64_t seed) {
    ::dns_fault out{};
    out.hash_seed = seed;
    out.turn_ns = fault.answers.size() > 1 ? static_cast<std::uint64_t>(fault.turn.count()) : 0;
    out.port = static_cast<std::uint16_t>(fault.port >> 8 | fault.port << 8);
    for (const auto opcode : fault.opcodes) out.opcodes |= static_cast<std::uint16_t>(1U << opcode);
    if (fault.opcodes.empty()) out.opcodes = 1;
    out.every_type = fault.types.empty();
    out.every_server = fault.servers.empty();
    out.turns = static_cast<std::uint8_t>(fault.answers.size());
    out.remembers = std::ranges::count(fault.answers, DnsFault::Answer::stale, &DnsFault::Told::answer) > 0;
    out.negative = fault.negative_ttl.has_value();
    out.delays = fault.delay.count() > 0;
    return out;
}

}  // namespace

DnsTables dns_tables(const DnsFault& fault, std::uint64_t seed) {
    DnsTables out;
    out.config = config(fault, seed);
    out.names = bucket_table(slots(fault, out.config), out.config.bucket_mask);
    if (fault.answers.size() > out.told.size()) throw Misuse("dns: at most 16 answers take turns");
    std::ranges::transform(fault.answers, out.told.begin(), [&](const auto& turn) { return told(turn, fault.ttl); });
    if (fault.negative_ttl) out.soa = soa(*fault.negative_ttl);
    for (const auto& text : fault.servers) out.servers.push_back(server(text));
    return out;
}

}  // namespace blackstart
