// DNS answers made in the kernel: which queries are matched, and what they are told.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace blackstart {

struct DnsFault {
    static constexpr const char* kind = "dns";
    enum class Answer { empty, nxdomain, servfail, refused, timeout, addresses };

    std::vector<std::string> names;    // "db.test", "*.svc.test" (not the suffix itself); any case, with or without the last dot
    std::vector<std::uint16_t> types;  // RR types (RFC 1035 §3.2.2); empty: every type
    std::vector<std::string> servers;  // addresses or CIDRs that the query goes to; empty: any
    std::uint16_t port = 53;           // UDP
    Answer answer = Answer::empty;
    std::vector<std::string> addresses;  // for Answer::addresses: IPv4 and IPv6, at most 16 of each
    std::chrono::seconds ttl{1};         // 0..2147483647 (RFC 2181 §8)
};

// A name as it goes over the wire (RFC 1035 §3.1), in lower case, with the final zero octet.
struct DnsName {
    std::vector<std::uint8_t> wire;
    bool under = false;  // "*.suffix": the names below `wire`, at any depth, and not `wire` itself
};

// Throws Misuse, saying what is wrong: labels of 1 to 63 octets, 255 in all, `*` only as the whole first label,
// printable ASCII (an international name is written as its A-label, xn--…).
DnsName parse_dns_name(std::string_view text);

// Everything that can be said about a dns fault without touching the host; throws Misuse.
void check(const DnsFault& fault);

}  // namespace blackstart
