// DNS answers made in the kernel: which queries are matched, and what they are told.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace blackstart {

// Answer::stale goes on giving, for each name and type, the first answer that passed by since prepare() or, without that, since it
// was armed; with the records' TTL as it was then.
//
// `delay` holds matching queries back, through a helper device as latency does: over UDP the datagram, over TCP the segment that holds
// the query. Then they go on, or, where there are answers, are told one. Nothing else is held, be it on the same connection.
struct DnsFault {
    static constexpr const char* kind = "dns";
    enum class Answer { empty, nxdomain, servfail, refused, formerr, notimp, timeout, truncate, stale, addresses };
    struct Told {
        Answer answer = Answer::empty;
        std::vector<std::string> addresses;  // for Answer::addresses: IPv4 and IPv6, at most 16 of each
        bool operator==(const Told&) const = default;
    };

    // "db.test", "*.svc.test" (not the suffix itself); any case, with or without the last dot; at most 100,000
    std::vector<std::string> names;
    std::vector<std::uint16_t> types;   // RR types (RFC 1035 §3.2.2); empty: every type
    std::vector<std::string> servers;   // addresses or CIDRs that the query goes to; empty: any
    std::uint16_t port = 53;            // of UDP and TCP
    std::vector<std::uint8_t> opcodes;  // 0..15 (RFC 6895 §2.2); empty: QUERY (0)
    std::chrono::nanoseconds delay{0};  // at most ten minutes
    // In turn, for `turn` each, again and again from arming on; at most 16. With one, `turn` says nothing; with none, and a delay, the
    // server is asked.
    std::vector<Told> answers{Told{}};
    std::chrono::nanoseconds turn{0};
    std::chrono::seconds ttl{1};                       // of the addresses: 0..2147483647 (RFC 2181 §8)
    std::optional<std::chrono::seconds> negative_ttl;  // an SOA lets caches keep answers without records for so long; absent: no SOA
};

// A name as it goes over the wire (RFC 1035 §3.1), in lower case, with the final zero octet.
struct DnsName {
    std::vector<std::uint8_t> wire;
    bool under = false;  // "*.suffix": the names below `wire`, at any depth, and not `wire` itself
};

// An international name as it is in DNS (A-labels, IDNA2008: RFC 5891); any other as it is. Throws Misuse for one that has none.
std::string ace(std::string_view text);

// Throws Misuse, saying what is wrong: labels of 1 to 63 octets, 255 in all, `*` only as the whole first label,
// printable ASCII (see ace()).
DnsName parse_dns_name(std::string_view text);

// Whether it has to watch answers before it is armed.
bool learns(const DnsFault& fault);

// The hash of a name in wire form, lower case, as the programs make it (injector/bpf/dns.h).
std::uint64_t dns_name_hash(const std::vector<std::uint8_t>& wire, std::uint64_t seed);

// Everything that can be said about a dns fault without touching the host; throws Misuse.
void check(const DnsFault& fault);

}  // namespace blackstart
