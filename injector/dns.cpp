#include "injector/dns.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <set>
#include <vector>

#include "injector/bpf/dns.h"
#include "injector/bpf/terms.h"
#include "injector/kernel/error.h"
#include "injector/kinds.h"
#include "injector/packet_injection.h"
#include "injector/prefix.h"
// After the headers whose structs it uses.
#include "dns.skel.h"

namespace blackstart {
namespace {

constexpr std::uint16_t kTypeA = 1, kTypeAaaa = 28, kClassIn = 1, kPointerToQuestion = 0xc00c;
constexpr auto kTtlMax = std::chrono::seconds(0x7fffffff);

std::uint8_t rcode(DnsFault::Answer answer) {
    switch (answer) {  // RFC 1035 §4.1.1
        case DnsFault::Answer::servfail:
            return 2;
        case DnsFault::Answer::nxdomain:
            return 3;
        case DnsFault::Answer::refused:
            return 5;
        case DnsFault::Answer::empty:
        case DnsFault::Answer::timeout:
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

std::uint16_t sum(const std::uint8_t* from, const std::uint8_t* to, std::uint32_t before) {
    for (; from != to; from += 2) before += static_cast<std::uint32_t>(from[1] << 8 | from[0]);
    while (before >> 16 != 0) before = (before & 0xffff) + (before >> 16);
    return static_cast<std::uint16_t>(before);
}

dns_records records(const DnsFault& fault, bool v4) {
    dns_records out{};
    out.size = v4 ? DNS_A_SIZE : DNS_AAAA_SIZE;
    if (fault.answer != DnsFault::Answer::addresses) return out;
    std::uint8_t* to = out.bytes;
    for (const auto& text : fault.addresses) {
        const Prefix ip = address(text);
        if (ip.v4() != v4) continue;
        if (out.count == DNS_ADDRESSES_MAX) throw Misuse("an answer holds at most 16 IPv4 and 16 IPv6 addresses");
        const std::uint8_t* const begin = to;
        const std::uint32_t length = v4 ? 4 : 16, ttl = static_cast<std::uint32_t>(fault.ttl.count());
        for (const std::uint32_t half : {std::uint32_t{kPointerToQuestion}, std::uint32_t{v4 ? kTypeA : kTypeAaaa}, std::uint32_t{kClassIn},
                                         ttl >> 16, ttl & 0xffff, length})
            put16(to, half);
        to = std::copy(ip.address.end() - length, ip.address.end(), to);
        out.sums[out.count + 1] = sum(begin, to, out.sums[out.count]);
        out.count++;
    }
    return out;
}

// Where each label begins, from the start of the name.
std::vector<std::size_t> labels(const std::vector<std::uint8_t>& wire) {
    std::vector<std::size_t> starts;
    for (std::size_t at = 0; wire[at] != 0; at += wire[at] + 1U) starts.push_back(at);
    return starts;
}

// As the program makes it: injector/bpf/dns.h.
std::uint64_t hash(const std::vector<std::uint8_t>& wire, std::uint64_t seed) {
    std::uint64_t name = 0;
    for (const auto start : labels(wire)) {
        const std::size_t size = wire[start] + 1U;
        std::uint64_t label = seed;
        for (std::size_t i = 0; i < size; i += 8) {
            std::uint64_t word = 0;
            std::memcpy(&word, &wire[start + i], std::min<std::size_t>(8, size - i));
            label = dns_fold(label, word);
        }
        name = dns_join(name, label);
    }
    return name;
}

using Names = std::map<std::vector<std::uint8_t>, dns_name>;

// Throws Misuse for suffixes of too many different depths.
Names names(const DnsFault& fault, ::dns_fault& config) {
    Names found;
    std::set<std::size_t> suffixes;
    for (const auto& text : fault.names) {
        const DnsName parsed = parse_dns_name(text);
        dns_name& name = found[parsed.wire];
        name.length = static_cast<std::uint8_t>(parsed.wire.size());
        std::ranges::copy(parsed.wire, name.wire);
        (parsed.under ? name.under : name.exact) = 1;
        const auto depth = labels(parsed.wire).size();
        if (parsed.under) suffixes.insert(depth);
        if (!parsed.under) config.exact_depths[depth / 64] |= std::uint64_t{1} << (depth % 64);
    }
    if (suffixes.size() > DNS_SUFFIX_DEPTHS_MAX) throw Misuse("dns: the suffixes have more than 16 different numbers of labels");
    for (const auto depth : suffixes) {
        std::uint64_t power = 1;
        for (std::size_t i = 0; i < depth; i++) power *= DNS_HASH_FACTOR;
        config.suffix_powers[config.suffixes] = power;
        config.suffix_depths[config.suffixes++] = static_cast<std::uint8_t>(depth);
    }
    return found;
}

// A seed under which no two of the names share a hash: the first that is tried, but for one chance in 2^64 a pair.
std::map<__u64, dns_name> hashed(const Names& names, __u64& seed) {
    for (;; seed++) {
        std::map<__u64, dns_name> found;
        for (const auto& [wire, name] : names) found.emplace(hash(wire, seed), name);
        if (found.size() == names.size()) return found;
    }
}

::dns_fault config(const DnsFault& fault) {
    ::dns_fault out{};
    out.port = static_cast<std::uint16_t>(fault.port >> 8 | fault.port << 8);
    out.rcode = rcode(fault.answer);
    out.silent = fault.answer == DnsFault::Answer::timeout;
    out.every_type = fault.types.empty();
    out.every_server = fault.servers.empty();
    return out;
}

using Program = PacketInjection<dns_bpf>;

void fill_servers(Program& program, const DnsFault& fault) {
    const std::uint8_t present = 1;
    for (const auto& text : fault.servers) {
        const Prefix prefix = server(text);
        dns_server key{.bits = prefix.bits, .address = {}};
        std::ranges::copy(prefix.address, key.address);
        put(program->maps.servers, &key, &present);
    }
}

void load(Program& program, const DnsFault& fault, std::uint64_t seed) {
    ::dns_fault fixed = config(fault);
    const Names wanted = names(fault, fixed);
    fixed.hash_seed = seed;
    const auto table = hashed(wanted, fixed.hash_seed);

    program->rodata->dns = fixed;
    program->rodata->a_records = records(fault, true);
    program->rodata->aaaa_records = records(fault, false);
    for (const auto type : fault.types) program->rodata->types[type >> 3] |= static_cast<std::uint8_t>(1U << (type & 7));
    resize(program->maps.names, table.size());
    resize(program->maps.servers, fault.servers.size());
    program.load();
    for (const auto& [key, name] : table) put(program->maps.names, &key, &name);
    fill_servers(program, fault);
}

}  // namespace

void check(const DnsFault& fault) {
    if (fault.names.empty()) throw Misuse("dns: name at least one name");
    if (fault.port == 0) throw Misuse("dns: port 0 cannot be");
    if ((fault.answer == DnsFault::Answer::addresses) == fault.addresses.empty())
        throw Misuse("dns: addresses belong to an answer of addresses, at least one");
    if (fault.ttl.count() < 0 || fault.ttl > kTtlMax) throw Misuse("dns: ttl must be between 0 and 2147483647 seconds");
    ::dns_fault unused{};
    names(fault, unused);
    for (const auto& text : fault.servers) server(text);
    records(fault, true);
    records(fault, false);
}

template <> std::optional<Refusal> unsupported_kind(const DnsFault&) { return tcx_refusal(); }

template <> std::unique_ptr<Injection> inject_kind(const DnsFault& fault, const Target& target, const Terms& terms) {
    check(fault);
    auto program = std::make_unique<Program>("dns", target, terms);
    load(*program, fault, terms.seed);
    for (const auto& interface : target.interfaces) {
        program->attach(target, interface, Direction::egress);
        // At ingress no cgroup is known; on lo what arrives has left before.
        if (target.cgroup.id == 0 && !interface.loopback) program->attach(target, interface, Direction::ingress);
    }
    program->arm();
    return program;
}

}  // namespace blackstart
