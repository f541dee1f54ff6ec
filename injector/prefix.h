// IP addresses and CIDRs in the one form that the BPF programs use.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace blackstart {

// The first `bits` bits of `address`. IPv4 as ::ffff:a.b.c.d (RFC 4291 §2.5.5.2), so that one table holds both families.
struct Prefix {
    static constexpr unsigned kIp4 = 96;     // all of IPv4; what is wider is of IPv6 and holds no IPv4 address
    std::array<std::uint8_t, 16> address{};  // network byte order; bits past the prefix are 0
    unsigned bits = 128;                     // 0..128; 96 more than an IPv4 prefix is written with

    [[nodiscard]] bool v4() const;
    bool operator==(const Prefix&) const = default;
};

// "10.0.0.1", "10.0.0.0/8", "fd00::1", "fd00::/8"; host bits that are set are cleared. nullopt for anything else.
std::optional<Prefix> parse_prefix(std::string_view text);

// Whether every address of one belongs to the other; of two families none does.
bool within(const Prefix& one, const Prefix& other);

// Whether two lists of addresses and CIDRs have an address in common; an empty one stands for every address.
bool networks_meet(const std::vector<std::string>& one, const std::vector<std::string>& other);

}  // namespace blackstart
