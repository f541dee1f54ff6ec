// Inside probes/: DNS messages, RFC 1035 §4. Wire bytes are in network order.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace blackstart {

// A recursive query with id 0 (bytes 0 and 1, for the caller to set) and EDNS with 1232 bytes (RFC 9715 §3). Throws Misuse if
// the name is none.
std::vector<std::uint8_t> dns_query(const std::string& name, std::uint16_t type);

struct DnsReply {
    std::uint8_t rcode = 0;
    bool truncated = false;
    std::vector<std::string> answers;  // of the asked type, as normal_answer() writes them; sorted, without doubles
};

enum class NotAReply {
    other,     // the answer to another question, or none at all: go on waiting
    malformed  // the answer to this query, and broken
};

struct DnsParse {
    std::optional<DnsReply> reply;
    NotAReply problem = NotAReply::other;  // without a reply
};

// Whether `message` answers `query` (its id and, whatever the case of the letters, its question), and what it says.
DnsParse parse_reply(std::span<const std::uint8_t> message, std::span<const std::uint8_t> query);

// Record data as text, so that two ways to write the same compare equal: an address as inet_ntop writes it, a name in small
// letters and without its last dot, TXT as its strings joined, anything else as in a zone file.
std::string normal_answer(std::string text, std::uint16_t type);

// "noerror", "nxdomain"; "rcode 11" for one that has no name.
std::string rcode_name(std::uint8_t rcode);

}  // namespace blackstart
