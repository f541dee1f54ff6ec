#include "injector/health.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <string>

#include "injector/bpf/health.h"
#include "injector/kernel/error.h"
#include "injector/kinds.h"
#include "injector/packet_injection.h"
#include "injector/prefix.h"

// After the headers that its sections are made of.
#include "health.skel.h"

namespace blackstart {
namespace {

using Result = HealthFault::Result;

// Interim responses are followed by a final one, and 204 and 304 have no body (RFC 9110 §15): no other answer can turn into these.
void check_status(std::uint16_t status) {
    if (status >= 200 && status <= 599 && status != 204 && status != 304) return;
    throw Misuse("health: result " + std::to_string(status) + " cannot be shown: 200 to 599 can, without 204 and 304, which have no body");
}

void set_text(health_text& out, std::string text, const char* what) {
    out.prefix = text.ends_with('*');
    if (out.prefix != 0) text.pop_back();
    if (text.find('*') != std::string::npos) throw Misuse(std::string("health: a * may only end a ") + what + ", as in '" + text + "'");
    if (text.size() >= HEALTH_TEXT_MAX)
        throw Misuse(std::string("health: a ") + what + " has fewer than " + std::to_string(HEALTH_TEXT_MAX) + " bytes, not " +
                     std::to_string(text.size()));
    out.length = static_cast<__u32>(text.size());
    std::memcpy(out.words, text.data(), text.size());
}

void set_path(health_config& config, const std::string& path) {
    if (path.find_first_of(" ?#\r\n") != std::string::npos)
        throw Misuse("health: the path '" + path + "' is a whole path, without blanks and without the query");
    set_text(config.path, path, "path");
}

void set_ports(health_config& config, const std::vector<std::uint16_t>& ports) {
    if (ports.empty() || std::ranges::count(ports, 0) != 0) throw Misuse("health: the port that is checked is required, 1 to 65535");
    for (const unsigned port : ports) config.ports[port / 8] = static_cast<__u8>(config.ports[port / 8] | 1U << (port % 8));
}

health_peer peer_of(const std::string& text) {
    const auto prefix = parse_prefix(text);
    if (!prefix) throw Misuse("health: from '" + text + "' is no address and no CIDR");
    health_peer peer{};
    peer.version = prefix->v4() ? 4 : 6;
    std::array<std::uint8_t, 16> mask{};
    for (unsigned bit = 0; bit < prefix->bits; bit++) mask[bit / 8] = static_cast<std::uint8_t>(mask[bit / 8] | 0x80U >> (bit % 8));
    std::memcpy(peer.address, prefix->address.data(), sizeof peer.address);
    std::memcpy(peer.mask, mask.data(), sizeof peer.mask);
    return peer;
}

void set_from(health_config& config, const std::vector<std::string>& from) {
    if (from.size() > HEALTH_FROM_MAX)
        throw Misuse("health: from takes at most " + std::to_string(HEALTH_FROM_MAX) + " addresses and CIDRs");
    for (const auto& text : from) config.from[config.from_count++] = peer_of(text);
}

void configure(health_config& config, const HealthFault& fault) {
    if (fault.protocol != "http") throw Misuse("health: protocol '" + fault.protocol + "' is not built yet; http is");
    set_ports(config, fault.ports);
    set_path(config, fault.path);
    set_text(config.agent, fault.agent, "User-Agent");
    set_from(config, fault.from);
    config.result = fault.result == Result::status ? HEALTH_STATUS : fault.result == Result::timeout ? HEALTH_TIMEOUT : HEALTH_RESET;
    if (fault.result != Result::status) return;
    check_status(fault.status);
    std::memcpy(config.status, std::to_string(fault.status).data(), 3);
}

}  // namespace

template <> std::optional<Refusal> unsupported_kind(const HealthFault&) { return tcx_refusal(); }

template <> std::unique_ptr<Injection> inject_kind(const HealthFault& fault, const Target& target, const Terms& terms) {
    auto injection = std::make_unique<PacketInjection<health_bpf>>("health", target, terms);
    configure((*injection)->rodata->health, fault);
    injection->load();
    for (const auto& interface : target.interfaces) {
        injection->attach(target, interface, Direction::egress);
        // On lo every packet passes egress and then ingress: once is enough.
        if (!interface.loopback) injection->attach(target, interface, Direction::ingress);
    }
    injection->arm();
    return injection;
}

}  // namespace blackstart
