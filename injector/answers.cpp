#include "injector/answers.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <string>

#include "injector/bpf/health.h"
#include "injector/kernel/error.h"
#include "injector/packet_injection.h"
#include "injector/prefix.h"
#include "injector/slow_answers.h"

#include "injector/hpack_config.h"

// After the headers that their sections are made of.
#include "health.skel.h"
#include "http2.skel.h"

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

// "*.suffix" has the suffix, with its dot, at the end of the name.
void set_server_name(health_config& config, const AnswerRule& rule) {
    const bool below = rule.sni.starts_with("*.");
    set_text(config.host, below ? rule.sni.substr(1) : rule.sni, rule, "server name");
    config.host.prefix = below ? 1 : 0;
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
        case Result::slow:
            return HEALTH_SLOW;
        case Result::status:
        case Result::not_serving:
            break;
    }
    return HEALTH_STATUS;
}

health_protocol protocol_of(Protocol protocol) {
    switch (protocol) {
        case Protocol::tcp:
            return HEALTH_TCP;
        case Protocol::redis:
            return HEALTH_REDIS;
        case Protocol::http2:
            return HEALTH_HTTP2;
        case Protocol::grpc:
            return HEALTH_GRPC;
        case Protocol::postgresql:
            return HEALTH_POSTGRESQL;
        case Protocol::mysql:
            return HEALTH_MYSQL;
        case Protocol::agent_check:
            return HEALTH_AGENT;
        case Protocol::http:
        case Protocol::dns:
        case Protocol::exec:
            break;
    }
    return HEALTH_HTTP;
}

// Of the answer's first bytes, those that `mask` names become `text`.
void set_shown(health_config& config, const std::string& text, unsigned mask) {
    config.shown_size = static_cast<__u32>(text.size());
    config.shown_mask = mask;
    std::memcpy(config.shown, text.data(), text.size());
}

// As long as what they take the place of: a PONG; an AuthenticationOk, or how an ErrorResponse begins; an OK with nothing to say.
void set_message(health_config& config, Protocol protocol, bool pass) {
    using std::string_literals::operator""s;
    if (protocol == Protocol::redis && !pass) set_shown(config, "-ERR \r\n", 0x7f);
    if (protocol == Protocol::postgresql) set_shown(config, pass ? "R\0\0\0\0\0\0\0\0"s : "E\0\0\0\0M!\0\0"s, 0x1e1);
    if (protocol == Protocol::mysql) set_shown(config, pass ? "\0\0\0\0\0\0\0"s : "\0\0\0\0\xff\x10\x04"s, 0x70);  // ERR 1040
}

void configure(health_config& config, const AnswerRule& rule) {
    set_ports(config, rule);
    set_path(config, rule);
    set_text(config.agent, rule.agent, rule, "User-Agent");
    set_text(config.host, rule.host, rule, "host");
    set_method(config, rule);
    set_from(config, rule);
    const bool pass = rule.result == Result::pass;
    config.result = result_of(rule.result);
    config.protocol = rule.sni.empty() ? protocol_of(rule.protocol) : HEALTH_TLS;
    if (!rule.sni.empty()) set_server_name(config, rule);
    if (rule.result == Result::status) check_status(rule);
    config.delay_ns = static_cast<__u64>(rule.delay.count());
    if (rule.protocol == Protocol::http || rule.protocol == Protocol::http2)
        set_shown(config, std::to_string(pass ? 200 : rule.status), 0x7);
    else
        set_message(config, rule.protocol, pass);
}

template <class Skeleton> void set(Skeleton& skeleton, const AnswerRule& rule) {
    configure(skeleton->rodata->health, rule);
    if constexpr (requires { skeleton->rodata->hpack; }) configure(skeleton->rodata->hpack, rule);
}

template <class Injected>
std::unique_ptr<Injection> prepared(std::unique_ptr<Injected> injection, const AnswerRule& rule, const Target& target) {
    set(*injection, rule);
    if constexpr (requires { injection->load(target); })
        injection->load(target);
    else
        injection->load();
    for (const auto& interface : target.interfaces) {
        injection->place(interface, Direction::egress);
        // On lo every packet passes egress and then ingress: once is enough.
        if (!interface.loopback) injection->place(interface, Direction::ingress);
    }
    return injection;
}

template <class Skeleton> std::unique_ptr<Injection> with(const AnswerRule& rule, const Target& target, const Terms& terms) {
    if (rule.result == Result::slow) return prepared(std::make_unique<SlowAnswers<Skeleton>>(rule, target, terms), rule, target);
    return prepared(std::make_unique<PacketInjection<Skeleton>>(rule.what, target, terms), rule, target);
}

}  // namespace

std::unique_ptr<Injection> change_answers(const AnswerRule& rule, const Target& target, const Terms& terms) {
    if (rule.protocol == Protocol::http2 || rule.protocol == Protocol::grpc) return with<http2_bpf>(rule, target, terms);
    return with<health_bpf>(rule, target, terms);
}

}  // namespace blackstart
