#include "injector/hpack.h"

#include <algorithm>
#include <array>
#include <numeric>

#include "injector/kernel/error.h"

namespace blackstart {
namespace {

// How long the code of each ASCII character is (RFC 7541, appendix B). The code is canonical: shorter ones first, then by value, and
// no code of an ASCII character depends on those of other octets, up to 15 bits; those above are control characters.
constexpr std::array<std::uint8_t, 128> kLengths = {
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
    6,  10, 10, 12, 13, 6,  8,  11, 10, 10, 8,  11, 8,  6,  6,  6,  5,  5,  5,  6,  6,  6,  6,  6,  6,  6,  7,  8,  15, 6,  12, 10,
    13, 6,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  8,  7,  8,  13, 19, 13, 14, 6,
    15, 5,  6,  5,  6,  5,  6,  6,  6,  5,  7,  7,  6,  6,  6,  5,  6,  7,  6,  5,  5,  6,  7,  7,  7,  7,  7,  15, 11, 14, 13, 28,
};

struct Code {
    std::uint32_t value = 0;
    unsigned bits = 0;
};

std::array<Code, 128> make_codes() {
    std::array<unsigned, 128> order{};
    std::iota(order.begin(), order.end(), 0U);
    std::ranges::stable_sort(order, {}, [](unsigned c) { return kLengths[c]; });
    std::array<Code, 128> codes{};
    std::uint32_t next = 0;
    unsigned bits = kLengths[order[0]];
    for (const auto c : order) {
        next <<= kLengths[c] - bits;
        bits = kLengths[c];
        codes[c] = {next++, bits};
    }
    return codes;
}

}  // namespace

HuffmanCode huffman_code(std::string_view text) {
    static const auto codes = make_codes();
    HuffmanCode out;
    std::uint64_t window = 0;
    unsigned held = 0;
    for (const char letter : text) {
        const auto c = static_cast<unsigned char>(letter);
        if (c < ' ' || c > '~') throw Misuse("a path or a User-Agent is printable ASCII, not '" + std::string(text) + "'");
        window = window << codes[c].bits | codes[c].value;
        held += codes[c].bits;
        out.bits += codes[c].bits;
        for (; held >= 8; held -= 8) out.octets.push_back(static_cast<std::uint8_t>(window >> (held - 8)));
    }
    if (held > 0) out.octets.push_back(static_cast<std::uint8_t>(window << (8 - held) | 0xffU >> held));
    return out;
}

}  // namespace blackstart
