#include "injector/radius.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <map>
#include <set>
#include <tuple>

#include "injector/kernel/error.h"
#include "injector/match_rules.h"
#include "injector/victims.h"

namespace blackstart {
namespace {

namespace fs = std::filesystem;
using Address = std::array<std::uint8_t, 16>;

std::string text_of(const Address& address) {
    char text[INET6_ADDRSTRLEN];
    static constexpr std::uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    if (std::memcmp(address.data(), mapped, sizeof mapped) == 0) return ::inet_ntop(AF_INET, address.data() + 12, text, sizeof text);
    return ::inet_ntop(AF_INET6, address.data(), text, sizeof text);
}

const char* name_of(int protocol) { return protocol == IPPROTO_TCP ? "tcp" : "udp"; }

// The ids of a cgroup and of all below it, which are the inodes of their directories; empty: no scope.
std::set<std::uint64_t> ids_of(const Cgroup& cgroup) {
    if (cgroup.id == 0) return {};
    std::set<std::uint64_t> ids{cgroup.id};
    std::error_code ignored;
    for (fs::recursive_directory_iterator at(fs::path(cgroup2_mount()) / cgroup.path, ignored), end; at != end; at.increment(ignored)) {
        struct stat st {};
        if (at->is_directory(ignored) && ::stat(at->path().c_str(), &st) == 0) ids.insert(st.st_ino);
    }
    return ids;
}

template <class Kind>
concept HasMatch = requires(Kind fault) {
    fault.match;
};
template <class Kind>
concept HasServers = requires(Kind fault) {
    fault.servers;
};
template <class Kind>
concept HasPorts = requires(Kind fault) {
    fault.ports;
};
template <class Kind>
concept HasCheckers = HasPorts<Kind> && requires(Kind fault) {
    fault.from;
};

// What the kinds match on, in the words of the network kinds. Two where a peer may be at either end.
template <class Kind> std::vector<Match> matches(const Kind& fault) {
    if constexpr (HasMatch<Kind>) {
        return {fault.match};
    } else if constexpr (HasServers<Kind>) {
        return {{fault.servers.empty() ? std::vector<std::string>{"any"} : fault.servers, {}, {fault.port}, "any", Match::Way::both}};
    } else if constexpr (HasCheckers<Kind>) {
        if (fault.from.empty()) return {{{}, {}, fault.ports, "tcp", Match::Way::both}};
        return {{fault.from, {}, fault.ports, "tcp", Match::Way::both}, {{}, fault.from, fault.ports, "tcp", Match::Way::both}};
    } else if constexpr (HasPorts<Kind>) {
        return {{{}, {}, fault.ports, "tcp", Match::Way::both}};
    } else {
        return {};
    }
}

bool meets(const MatchRules& rules, const OpenSocket& socket) { return rules.meet(socket.flow, socket.protocol, !socket.peer); }

class Count {
public:
    explicit Count(const Target& target) : scope_(ids_of(target.cgroup)) {}

    void see(const std::vector<MatchRules>& rules, const OpenSocket& socket) {
        if (!scope_.empty() && !scope_.contains(socket.cgroup)) return;
        if (std::ranges::none_of(rules, [&](const MatchRules& one) { return meets(one, socket); })) return;
        if (rules.front().spare(socket.flow)) {
            found.exempt += socket.peer ? 1 : 0;
            return;
        }
        if (socket.peer) {
            found.sockets++;
            peers_[{name_of(socket.protocol), text_of(socket.flow.remote), socket.flow.remote_port}]++;
        } else {
            locals_.insert({name_of(socket.protocol), text_of(socket.flow.local), socket.flow.local_port});
        }
    }

    Radius take() {
        for (const auto& [end, sockets] : peers_) found.peers.push_back({std::get<0>(end), std::get<1>(end), std::get<2>(end), sockets});
        std::ranges::stable_sort(found.peers, std::ranges::greater{}, &Radius::Peer::sockets);
        for (const auto& [protocol, address, port] : locals_) found.locals.push_back({protocol, address, port});
        return std::move(found);
    }

    Radius found;

private:
    using End = std::tuple<std::string, std::string, std::uint16_t>;  // protocol, address, port
    std::set<std::uint64_t> scope_;
    std::map<End, std::size_t> peers_;
    std::set<End> locals_;
};

template <class Kind> Radius look(const Kind& fault, const Target& target) {
    std::vector<MatchRules> rules;
    for (const auto& match : matches(fault)) rules.emplace_back(match, target);
    if (rules.empty()) return {};
    std::vector<OpenSocket> sockets;
    const int error = open_sockets(target.netns.get(), sockets);
    Count count(target);
    for (const auto& socket : sockets) count.see(rules, socket);
    auto found = count.take();
    if (error != 0) found.unknown = std::string("the kernel does not tell of every socket: ") + std::strerror(error);
    return found;
}

Radius look(const ProcessFault& fault, const Target& target) {
    Radius found;
    auto victims = find_victims(resolve_selection(fault, target));
    for (const auto& victim : victims.found) found.processes.push_back({victim.pid, victim.stat.name});
    found.spared = std::move(victims.spared);
    return found;
}

}  // namespace

Radius radius(const Fault& fault, const Target& target) {
    try {
        return std::visit([&](const auto& kind) { return look(kind, target); }, fault);
    } catch (const Unfit&) {
        throw;
    } catch (const std::runtime_error& error) {
        Radius none;
        none.unknown = error.what();
        return none;
    }
}

}  // namespace blackstart
