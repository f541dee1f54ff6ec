#include "injector/match_rules.h"

#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstring>
#include <map>
#include <span>
#include <unordered_set>

#include "injector/bpf/observe.h"
#include "injector/dns.h"
#include "injector/kernel/ancestors.h"
#include "injector/kernel/error.h"
#include "injector/names.h"
#include "injector/prefix.h"

namespace blackstart {
namespace {

using Hashes = std::unordered_set<std::uint64_t>;

cidr kernel_cidr(const Prefix& prefix) {
    std::array<std::uint8_t, 16> mask{};
    for (unsigned bit = 0; bit < prefix.bits; bit++) mask[bit / 8] = static_cast<std::uint8_t>(mask[bit / 8] | 0x80U >> bit % 8);
    cidr out{};
    std::memcpy(out.net, prefix.address.data(), sizeof out.net);
    std::memcpy(out.mask, mask.data(), sizeof out.mask);
    return out;
}

// What can only be meant as an address is never looked up as a name.
bool looks_like_address(const std::string& text) {
    return text.find_first_of(":/") != std::string::npos ||
           std::ranges::all_of(text, [](unsigned char c) { return std::isdigit(c) || c == '.'; });
}

std::vector<Prefix> prefixes(const std::string& text, const Target& target) {
    if (const auto prefix = parse_prefix(text)) return {*prefix};
    if (text.empty() || looks_like_address(text)) throw Misuse("'" + text + "' is no address, no CIDR and no host name");
    return resolve_name(target, text);
}

std::vector<cidr> cidrs(const std::vector<std::string>& texts, const char* what, const Target& target) {
    std::vector<cidr> found;
    if (std::ranges::find(texts, "any") != texts.end()) return found;
    for (const auto& text : texts)
        for (const auto& prefix : prefixes(text, target)) found.push_back(kernel_cidr(prefix));
    if (found.size() > Match::kMost)
        throw Misuse(std::string(what) + ": at most " + std::to_string(Match::kMost) + " addresses; use wider CIDRs");
    return found;
}

std::uint32_t length_of(::lengths& lengths, const cidr& net, const char* what) {
    for (std::uint32_t i = 0; i < lengths.count; i++)
        if (std::ranges::equal(lengths.mask[i], net.mask)) return i;
    if (lengths.count == MATCH_LENGTHS)
        throw Misuse(std::string(what) + ": more than " + std::to_string(MATCH_CIDRS) + " CIDRs can have " + std::to_string(MATCH_LENGTHS) +
                     " different prefix lengths at most");
    std::ranges::copy(net.mask, lengths.mask[lengths.count]);
    return lengths.count++;
}

// A short list is read through by the program; of a long one it looks the hashes up.
std::uint32_t put_list(const std::vector<cidr>& from, std::span<cidr> few, ::lengths& lengths, std::uint32_t list, Hashes& many) {
    const char* const what = list == LIST_TO ? "to" : "from";
    if (from.size() <= few.size()) {
        std::ranges::copy(from, few.begin());
    } else {
        for (const auto& net : from) many.insert(match_hash(list, length_of(lengths, net, what), net.net[0], net.net[1]));
    }
    return static_cast<std::uint32_t>(from.size());
}

std::uint32_t protocol_number(const std::string& name) {
    if (name == "tcp") return IPPROTO_TCP;
    if (name == "udp") return IPPROTO_UDP;
    if (name == "icmp") return IPPROTO_ICMP;
    if (name == "any") return 0;
    throw Misuse("unknown protocol '" + name + "': expected tcp, udp, icmp or any");
}

std::uint32_t put_spared(std::span<spared> out, const std::vector<TcpFlow>& flows) {
    // Sparing some and cutting the rest would be a lock-out by surprise.
    if (flows.size() > out.size())
        throw Unfit("the processes that run blackstart hold " + std::to_string(flows.size()) + " TCP connections; only " +
                        std::to_string(out.size()) + " can be spared",
                    "start it from a shell of its own");
    std::size_t count = 0;
    for (const auto& flow : flows) {
        auto& one = out[count++];
        std::memcpy(one.one, flow.local.data(), sizeof one.one);
        std::memcpy(one.other, flow.remote.data(), sizeof one.other);
        one.one_port = flow.local_port;
        one.other_port = flow.remote_port;
    }
    return static_cast<std::uint32_t>(count);
}

bool holds(const cidr& net, const std::array<std::uint8_t, 16>& address) {
    __u64 words[2];
    std::memcpy(words, address.data(), address.size());
    return match_holds(&net, words) != 0;
}

bool holds(const cidr& net, std::uint32_t address) {
    std::array<std::uint8_t, 16> mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    std::memcpy(mapped.data() + 12, &address, sizeof address);
    return holds(net, mapped);
}

bool in_any(std::span<const cidr> nets, const std::array<std::uint8_t, 16>& address) {
    return nets.empty() || std::ranges::any_of(nets, [&](const cidr& net) { return holds(net, address); });
}

bool is_spared(const spared& spared, const TcpFlow& flow) {
    const auto is = [](const auto& words, const auto& address) { return std::memcmp(words, address.data(), address.size()) == 0; };
    return (is(spared.one, flow.local) && is(spared.other, flow.remote) && spared.one_port == flow.local_port &&
            spared.other_port == flow.remote_port) ||
           (is(spared.one, flow.remote) && is(spared.other, flow.local) && spared.one_port == flow.remote_port &&
            spared.other_port == flow.local_port);
}

// Two CIDRs have an address in common if the wider one holds the other's base.
bool meets(const cidr& a, const cidr& b) { return match_holds(&a, b.net) != 0 || match_holds(&b, a.net) != 0; }

bool any_own(std::span<const cidr> nets, const std::vector<std::uint32_t>& own) {
    static const cidr loopback = kernel_cidr(*parse_prefix("127.0.0.0/8"));
    if (nets.empty()) return true;
    return std::ranges::any_of(nets, [&](const cidr& net) {
        return meets(net, loopback) || std::ranges::any_of(own, [&](std::uint32_t address) { return holds(net, address); });
    });
}

}  // namespace

std::vector<ObservedName> observed_names(const Match& match) {
    std::map<std::uint64_t, std::uint32_t> lists;
    for (const auto& [peers, list] : {std::pair{&match.to, LIST_TO}, {&match.from, LIST_FROM}})
        for (const auto& peer : *peers)
            if (is_host_name(peer)) lists[dns_name_hash(parse_dns_name(peer).wire, 0)] |= static_cast<std::uint32_t>(list);
    std::vector<ObservedName> out;
    out.reserve(lists.size());
    for (const auto& [hash, of] : lists) out.push_back({hash, of});
    return out;
}

MatchRules::MatchRules(const Match& match, const Target& target)
    : to_(cidrs(match.to, "to", target)), from_(cidrs(match.from, "from", target)) {
    const auto protocol = protocol_number(match.protocol);
    if (match.to.empty() && match.from.empty() && match.ports.empty() && protocol == 0)
        throw Misuse("nothing is matched: say to, from, port or protocol; to 'any' means all traffic");
    if (protocol == IPPROTO_ICMP && !match.ports.empty()) throw Misuse("ICMP has no ports");
    if (match.ports.size() > MATCH_PORTS) throw Misuse("at most " + std::to_string(MATCH_PORTS) + " ports");
    kernel_.ways = (match.direction != Match::Way::ingress ? 1U : 0U) | (match.direction != Match::Way::egress ? 2U : 0U);
    kernel_.protocol = protocol;
    kernel_.ports = static_cast<std::uint32_t>(match.ports.size());
    std::ranges::copy(match.ports, kernel_.port);
    Hashes many;
    kernel_.to = put_list(to_, kernel_.to_cidr, kernel_.to_lengths, LIST_TO, many);
    kernel_.from = put_list(from_, kernel_.from_cidr, kernel_.from_lengths, LIST_FROM, many);
    if (!many.empty()) many_ = bucket_table({many.begin(), many.end()}, kernel_.many_mask);
    kernel_.names = std::ranges::any_of(match.to, is_host_name) || std::ranges::any_of(match.from, is_host_name) ? 1 : 0;
    kernel_.spared = put_spared(kernel_.spared_flow, ancestor_flows());
}

void check_scope(const Match& match, const Target& target) {
    if (target.cgroup.id != 0 && match.direction != Match::Way::egress)
        throw Misuse("a cgroup scopes what leaves only: the kernel does not know whose an arriving packet is; use direction 'egress'");
}

bool MatchRules::meet(const TcpFlow& flow, int protocol, bool any_peer) const {
    const std::span ports(kernel_.port, kernel_.ports);
    const bool port = ports.empty() || std::ranges::find(ports, flow.local_port) != ports.end() ||
                      std::ranges::find(ports, flow.remote_port) != ports.end();
    return (kernel_.protocol == 0 || kernel_.protocol == static_cast<std::uint32_t>(protocol)) && port &&
           (any_peer || in_any(to_, flow.remote)) && in_any(from_, flow.local);
}

bool MatchRules::spare(const TcpFlow& flow) const {
    return std::ranges::any_of(std::span(kernel_.spared_flow, kernel_.spared), [&](const spared& s) { return is_spared(s, flow); });
}

bool MatchRules::concern(const TcpFlow& flow) const { return meet(flow, IPPROTO_TCP) && !spare(flow); }

bool MatchRules::meet_own_ip4(const std::vector<std::uint32_t>& own) const { return any_own(to_, own) && any_own(from_, own); }

}  // namespace blackstart
