#include "injector/answers.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <string>

#include "injector/bpf/health.h"
#include "injector/kernel/error.h"
#include "injector/packet_injection.h"
#include "injector/prefix.h"

// After the headers that its sections are made of.
#include "health.skel.h"

namespace blackstart {
namespace {

using Result = HealthFault::Result;
using Protocol = HealthFault::Protocol;

[[noreturn]] void misuse(const AnswerRule& rule, const std::string& text) { throw Misuse(std::string(rule.what) + ": " + text); }

// Interim responses are followed by a final one, and 204 and 304 have no body (RFC 9110 §15): no other answer can turn into these.
void check_status(const AnswerRule& rule) {
    const auto status = rule.status;
    if (status >= 200 && status <= 599 && status != 204 && status != 304) return;
    misuse(rule, "status " + std::to_string(status) + " cannot be shown: 200 to 599 can, without 204 and 304, which have no body");
}

void set_text(health_text& out, std::string text, const AnswerRule& rule, const char* name) {
    out.prefix = text.ends_with('*');
    if (out.prefix != 0) text.pop_back();
    if (text.find('*') != std::string::npos) misuse(rule, std::string("a * may only end a ") + name + ", as in '" + text + "'");
    if (text.size() >= HEALTH_TEXT_MAX)
        misuse(rule, std::string("a ") + name + " has fewer than " + std::to_string(HEALTH_TEXT_MAX) + " bytes, not " +
                         std::to_string(text.size()));
    out.length = static_cast<__u32>(text.size());
    std::memcpy(out.words, text.data(), text.size());
}

void set_path(health_config& config, const AnswerRule& rule) {
    if (rule.path.find_first_of(" ?#\r\n") != std::string::npos)
        misuse(rule, "the path '" + rule.path + "' is a whole path, without blanks and without the query");
    set_text(config.path, rule.path, rule, "path");
}

// The methods that the program knows (http1.bpf.h); RFC 9110 §9.3, RFC 5789.
void set_method(health_config& config, const AnswerRule& rule) {
    constexpr const char* known[] = {"GET", "PUT", "HEAD", "POST", "PATCH", "TRACE", "DELETE", "OPTIONS"};
    if (rule.method.empty()) return;
    if (std::ranges::find(known, rule.method) == std::end(known)) misuse(rule, "method '" + rule.method + "' cannot be matched");
    set_text(config.method, rule.method + " ", rule, "method");
}

void set_ports(health_config& config, const AnswerRule& rule) {
    if (rule.ports.empty() || std::ranges::count(rule.ports, 0) != 0) misuse(rule, "the port of the service is required, 1 to 65535");
    for (const unsigned port : rule.ports) config.ports[port / 8] = static_cast<__u8>(config.ports[port / 8] | 1U << (port % 8));
}

health_peer peer_of(const std::string& text, const AnswerRule& rule) {
    const auto prefix = parse_prefix(text);
    if (!prefix) misuse(rule, "from '" + text + "' is no address and no CIDR");
    health_peer peer{};
    peer.version = prefix->v4() ? 4 : 6;
    std::array<std::uint8_t, 16> mask{};
    for (unsigned bit = 0; bit < prefix->bits; bit++) mask[bit / 8] = static_cast<std::uint8_t>(mask[bit / 8] | 0x80U >> (bit % 8));
    std::memcpy(peer.address, prefix->address.data(), sizeof peer.address);
    std::memcpy(peer.mask, mask.data(), sizeof peer.mask);
    return peer;
}

void set_from(health_config& config, const AnswerRule& rule) {
    if (rule.from.size() > HEALTH_FROM_MAX) misuse(rule, "from takes at most " + std::to_string(HEALTH_FROM_MAX) + " addresses and CIDRs");
    for (const auto& text : rule.from) config.from[config.from_count++] = peer_of(text, rule);
}

health_result result_of(Result result) {
    switch (result) {
        case Result::timeout:
            return HEALTH_TIMEOUT;
        case Result::reset:
            return HEALTH_RESET;
        case Result::pass:
            return HEALTH_PASS;
        case Result::status:
        case Result::not_serving:
            break;
    }
    return HEALTH_STATUS;
}

void set_shown(health_config& config, const std::string& text) {
    config.shown_size = static_cast<__u32>(text.size());
    std::memcpy(config.shown, text.data(), text.size());
}

void configure(health_config& config, const AnswerRule& rule) {
    set_ports(config, rule);
    set_path(config, rule);
    set_text(config.agent, rule.agent, rule, "User-Agent");
    set_text(config.host, rule.host, rule, "host");
    set_method(config, rule);
    set_from(config, rule);
    config.result = result_of(rule.result);
    config.protocol = rule.protocol == Protocol::tcp ? HEALTH_TCP : rule.protocol == Protocol::redis ? HEALTH_REDIS : HEALTH_HTTP;
    if (rule.result == Result::status) check_status(rule);
    if (rule.protocol == Protocol::redis)
        set_shown(config, "-ERR \r\n");  // as long as +PONG
    else
        set_shown(config, std::to_string(rule.result == Result::pass ? 200 : rule.status));
}

}  // namespace

std::unique_ptr<Injection> change_answers(const AnswerRule& rule, const Target& target, const Terms& terms) {
    auto injection = std::make_unique<PacketInjection<health_bpf>>(rule.what, target, terms);
    configure((*injection)->rodata->health, rule);
    injection->load();
    for (const auto& interface : target.interfaces) {
        injection->place(interface, Direction::egress);
        // On lo every packet passes egress and then ingress: once is enough.
        if (!interface.loopback) injection->place(interface, Direction::ingress);
    }
    return injection;
}

}  // namespace blackstart
