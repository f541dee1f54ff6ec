#include "injector/prefix.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <string>

namespace blackstart {
namespace {

constexpr std::array<std::uint8_t, 12> kV4Mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

}  // namespace

bool Prefix::v4() const { return bits >= kIp4 && std::equal(kV4Mapped.begin(), kV4Mapped.end(), address.begin()); }

std::optional<Prefix> parse_prefix(std::string_view text) {
    const auto slash = text.find('/');
    const std::string host(text.substr(0, slash));
    Prefix prefix;
    unsigned widest = 128, before = 0;
    if (::inet_pton(AF_INET, host.c_str(), prefix.address.data() + 12) == 1) {
        std::ranges::copy(kV4Mapped, prefix.address.begin());
        widest = 32;
        before = Prefix::kIp4;
    } else if (::inet_pton(AF_INET6, host.c_str(), prefix.address.data()) != 1) {
        return std::nullopt;
    }
    if (slash != std::string_view::npos) {
        const auto digits = text.substr(slash + 1);
        const auto [end, error] = std::from_chars(digits.begin(), digits.end(), prefix.bits);
        if (error != std::errc{} || end != digits.end() || prefix.bits > widest) return std::nullopt;
        prefix.bits += before;
    }
    for (unsigned bit = prefix.bits; bit < 128; bit++)
        prefix.address[bit / 8] = static_cast<std::uint8_t>(prefix.address[bit / 8] & ~(0x80U >> (bit % 8)));
    return prefix;
}

bool within(const Prefix& one, const Prefix& other) {
    if (one.v4() != other.v4() || one.bits < other.bits) return false;
    for (unsigned bit = 0; bit < other.bits; bit++)
        if (((one.address[bit / 8] ^ other.address[bit / 8]) & (0x80U >> (bit % 8))) != 0) return false;
    return true;
}

bool networks_meet(const std::vector<std::string>& one, const std::vector<std::string>& other) {
    if (one.empty() || other.empty()) return true;
    return std::ranges::any_of(one, [&](const std::string& a) {
        return std::ranges::any_of(other, [&](const std::string& b) {
            const auto left = parse_prefix(a), right = parse_prefix(b);
            return left && right && (within(*left, *right) || within(*right, *left));
        });
    });
}

}  // namespace blackstart
