#include "injector/claims.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <sstream>

#include "injector/name_index.h"
#include "injector/prefix.h"

namespace blackstart {
namespace {

using Words = std::vector<std::string>;

template <class T> std::string narrowed(const char* key, const std::vector<T>& values) {
    return values.empty() ? "" : fmt::format(" {}={}", key, fmt::join(values, ","));
}
std::string narrowed(const char* key, const std::string& value) { return value.empty() ? "" : fmt::format(" {}={}", key, value); }

// A name may hold any printable octet: what a claim is taken apart at is another in it.
std::string name_in_claim(const std::string& name) {
    auto plain = plain_name(name);
    std::ranges::replace_if(
        plain, [](char c) { return c == ' ' || c == ':'; }, '_');
    return plain;
}

Words claims_of(const DnsFault& fault) {
    const auto tail = fmt::format(":{}", fault.port) + narrowed("types", fault.types) + narrowed("servers", fault.servers) +
                      narrowed("opcodes", fault.opcodes);
    Words all;
    for (const auto& name : fault.names) all.push_back("dns:" + name_in_claim(name) + tail);
    return all;
}

Words claims_of(const HealthFault& fault) {
    Words all;
    for (const auto port : fault.ports)
        all.push_back(fmt::format("health:{}", port) + narrowed("path", fault.path) + narrowed("from", fault.from) +
                      narrowed("sni", fault.sni));
    if (!fault.exe.empty()) all.push_back("health:exec:" + fault.exe);
    return all;
}

Words claims_of(const HttpFault& fault) {
    Words all;
    for (const auto port : fault.ports)
        all.push_back(fmt::format("http:{}", port) + narrowed("path", fault.path) + narrowed("host", fault.host) +
                      narrowed("method", fault.method));
    return all;
}

Words claims_of(const ProcessFault&) { return {}; }
Words claims_of(const SurgeFault&) { return {}; }
template <class Network>
requires requires(const Network& fault) { fault.match; }
Words claims_of(const Network&) { return {}; }

Words split(const std::string& text, char separator) {
    Words parts;
    std::istringstream stream(text);
    for (std::string part; std::getline(stream, part, separator);) parts.push_back(part);
    return parts;
}

// Claims that differ in their DNS names only: a fault may have 100,000 of them.
struct Group {
    std::string head;                       // "dns:53", "health:8080"
    std::map<std::string, Words> narrowed;  // to what, by key
    Words names;                            // "" for what is no DNS name
    std::vector<std::size_t> positions;     // of the names, among the claims
};

Group group_of(const std::string& head, const std::string& rest) {
    Group group{head, {}, {}, {}};
    if (head.starts_with("dns:")) group.narrowed["opcodes"] = {"0"};  // QUERY, where none is given
    for (const auto& field : split(rest, ' '))
        if (const auto equals = field.find('='); equals != std::string::npos)
            group.narrowed[field.substr(0, equals)] = split(field.substr(equals + 1), ',');
    return group;
}

std::vector<Group> grouped(const Words& claims) {
    std::map<std::string, Group> groups;
    for (std::size_t i = 0; i < claims.size(); i++) {
        const auto blank = std::min(claims[i].find(' '), claims[i].size());
        auto head = claims[i].substr(0, blank);
        const auto rest = claims[i].substr(blank);
        std::string name;
        if (const auto colon = head.rfind(':'); head.starts_with("dns:") && colon > 4) {
            name = head.substr(4, colon - 4);
            head.erase(3, colon - 3);
        }
        auto& group = groups.try_emplace(head + rest, group_of(head, rest)).first->second;
        group.names.push_back(std::move(name));
        group.positions.push_back(i);
    }
    std::vector<Group> all;
    for (auto& [text, group] : groups) all.push_back(std::move(group));
    return all;
}

bool values_meet(const std::string& key, const Words& one, const Words& other) {
    if (key == "servers" || key == "from") return networks_meet(one, other);
    if (key == "path" || key == "host") return patterns_meet(one.front(), other.front());
    if (key == "sni") return NameIndex(other).meets(one.front()).has_value();
    return std::ranges::any_of(one, [&](const auto& value) { return std::ranges::find(other, value) != other.end(); });
}

bool meet(const Group& one, const Group& other) {
    return one.head == other.head && std::ranges::all_of(one.narrowed, [&](const auto& entry) {
               const auto theirs = other.narrowed.find(entry.first);
               return theirs == other.narrowed.end() || values_meet(entry.first, entry.second, theirs->second);
           });
}

}  // namespace

std::vector<std::string> claims(const Fault& fault) {
    return std::visit([](const auto& f) { return claims_of(f); }, fault);
}

std::optional<std::pair<std::string, std::string>> first_collision(const std::vector<std::string>& ours,
                                                                   const std::vector<std::string>& theirs) {
    const auto all_theirs = grouped(theirs);
    for (const auto& our : grouped(ours))
        for (const auto& their : all_theirs) {
            if (!meet(our, their)) continue;
            const NameIndex index(their.names);
            for (std::size_t i = 0; i < our.names.size(); i++)
                if (const auto at = index.meets(our.names[i])) return std::pair{ours[our.positions[i]], theirs[their.positions[*at]]};
        }
    return std::nullopt;
}

bool patterns_meet(const std::string& one, const std::string& other) {
    const auto open = [](const std::string& pattern) { return pattern.empty() || pattern.ends_with('*'); };
    const auto stem = [&](const std::string& pattern) {
        return open(pattern) && !pattern.empty() ? pattern.substr(0, pattern.size() - 1) : pattern;
    };
    const std::string a = stem(one), b = stem(other);
    if (open(one) && open(other)) return a.starts_with(b) || b.starts_with(a);
    if (open(one)) return b.starts_with(a);
    if (open(other)) return a.starts_with(b);
    return a == b;
}

}  // namespace blackstart
