#include <fmt/format.h>
#include <idn2.h>

#include <algorithm>
#include <memory>

#include <algorithm>
#include <cstring>

#include "injector/bpf/dns.h"
#include "injector/dns.h"
#include "injector/kernel/error.h"

namespace blackstart {
namespace {

[[noreturn]] void refuse(std::string_view text, std::string_view why) { throw Misuse(fmt::format("DNS name '{}': {}", text, why)); }

void append_label(DnsName& name, std::string_view label, std::string_view text) {
    if (label.empty()) refuse(text, "has an empty label");
    if (label.size() > DNS_LABEL_MAX) refuse(text, fmt::format("the label '{}' is longer than 63 octets", label));
    name.wire.push_back(static_cast<std::uint8_t>(label.size()));
    for (const char c : label) {
        if (c == '*') refuse(text, "* stands only for the whole first label, as in *.svc.test");
        if (static_cast<unsigned char>(c) >= 0x80) refuse(text, "is not in ASCII");
        if (c == ',') refuse(text, "each name is given by itself, not behind a comma");
        if (c <= ' ' || c == 0x7f || c == '\\' || c == '/' || c == ':') refuse(text, fmt::format("character {:#04x} cannot be in it", c));
        name.wire.push_back(static_cast<std::uint8_t>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c));
    }
}

}  // namespace

std::string ace(std::string_view text) {
    if (std::ranges::none_of(text, [](unsigned char c) { return c >= 0x80; })) return std::string(text);
    const std::string star = text.starts_with("*.") ? "*." : "", rest(text.substr(star.size()));
    char* found = nullptr;
    const int error = ::idn2_to_ascii_8z(rest.c_str(), &found, IDN2_NONTRANSITIONAL | IDN2_NFC_INPUT);
    const std::unique_ptr<char, decltype(&::idn2_free)> owner(found, ::idn2_free);
    if (error != IDN2_OK) refuse(text, fmt::format("is no international name: {}", ::idn2_strerror(error)));
    return star + found;
}

DnsName parse_dns_name(std::string_view text) {
    if (text.empty()) refuse(text, "is empty");
    DnsName name;
    name.under = text == "*" || text.starts_with("*.");
    if (text != "*" && text != ".") {
        std::string_view rest = text.substr(name.under ? 2 : 0);
        if (rest.ends_with('.')) rest.remove_suffix(1);
        for (auto dot = rest.find('.'); dot != std::string_view::npos; dot = rest.find('.')) {
            append_label(name, rest.substr(0, dot), text);
            rest.remove_prefix(dot + 1);
        }
        append_label(name, rest, text);
    }
    name.wire.push_back(0);
    if (name.wire.size() > DNS_NAME_MAX) refuse(text, "is longer than 255 octets");
    return name;
}

std::uint64_t dns_name_hash(const std::vector<std::uint8_t>& wire, std::uint64_t seed) {
    std::uint64_t name = 0;
    for (std::size_t start = 0; wire[start] != 0; start += wire[start] + 1U) {
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

}  // namespace blackstart
