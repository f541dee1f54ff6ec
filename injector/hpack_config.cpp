#include "injector/hpack_config.h"

#include <algorithm>
#include <array>

#include "injector/hpack.h"
#include "injector/kernel/error.h"

namespace blackstart {
namespace {

using Octets = std::vector<std::uint8_t>;

constexpr std::array<std::uint16_t, 7> kStatuses = {200, 204, 206, 304, 400, 404, 500};  // entries 8 to 14
constexpr std::array<const char*, 2> kPaths = {"/", "/index.html"};                      // entries 4 and 5
constexpr const char* kGrpcHealth = "/grpc.health.v1.Health/*";                          // Check and Watch
constexpr std::uint8_t kServing = 1, kNotServing = 2;                                    // grpc/health/v1/health.proto

void put(hpack_text& out, const Octets& octets, unsigned bits) {
    if (octets.size() > sizeof out.octets) throw Misuse("a path or a User-Agent is too long for HTTP/2");
    out.size = static_cast<__u32>(octets.size());
    out.last_mask = bits % 8 == 0 ? 0xffU : 0xffU << (8 - bits % 8) & 0xffU;
    std::ranges::copy(octets, out.octets);
    if (!octets.empty()) out.octets[octets.size() - 1] &= static_cast<__u8>(out.last_mask);
}

// As it is, and in Huffman code: with the filling that ends a string, or only as far as the text goes.
void put_both(hpack_text& plain, hpack_text& coded, const std::string& text, bool whole) {
    put(plain, {text.begin(), text.end()}, 0);
    const auto code = huffman_code(text);
    put(coded, code.octets, whole ? 0 : code.bits);
}

void set_field(hpack_config& config, unsigned field, const char* name, std::string pattern, const char* goes_on) {
    auto& plain = config.fields[field][0];
    auto& coded = config.fields[field][1];
    put_both(plain.name, coded.name, name, true);
    if (pattern.empty()) return;
    config.wanted |= 1U << field;
    if (pattern.ends_with('*')) {
        pattern.pop_back();
        put_both(plain.beginning, coded.beginning, pattern, false);
        return;
    }
    put_both(plain.whole, coded.whole, pattern, true);
    if (*goes_on != 0) put_both(plain.beginning, coded.beginning, pattern + goes_on, false);
}

bool matches(const std::string& pattern, const std::string& path) {
    return pattern.ends_with('*') ? path.starts_with(pattern.substr(0, pattern.size() - 1)) : path == pattern;
}

}  // namespace

std::optional<std::uint8_t> status_octet(std::uint16_t status) {
    const auto* const found = std::ranges::find(kStatuses, status);
    if (found == kStatuses.end()) return std::nullopt;
    return static_cast<std::uint8_t>(0x80 | (8 + (found - kStatuses.begin())));
}

void configure(hpack_config& config, const AnswerRule& rule) {
    const bool grpc = rule.protocol == HealthFault::Protocol::grpc, pass = rule.result == HealthFault::Result::pass;
    const auto path = grpc && rule.path.empty() ? kGrpcHealth : rule.path;
    set_field(config, HPACK_PATH, ":path", path, "?");
    set_field(config, HPACK_AGENT, "user-agent", rule.agent, "");
    for (unsigned entry = 0; entry < kPaths.size(); entry++)
        if (!path.empty() && matches(path, kPaths[entry])) config.static_path |= 1U << (4 + entry);
    if (grpc)
        config.now = pass ? kServing : kNotServing;
    else
        config.now = status_octet(pass ? 200 : rule.status).value_or(0);
}

}  // namespace blackstart
