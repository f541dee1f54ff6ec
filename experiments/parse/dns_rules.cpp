// Two DNS faults that would give one question different answers at one time.
#include <algorithm>
#include <cctype>
#include <string>

#include "experiments/parse/draft.h"
#include "experiments/parse/overlap.h"

namespace blackstart {
namespace {

std::string plain(std::string name) {
    std::ranges::transform(name, name.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    if (name.ends_with('.')) name.pop_back();
    return name;
}

// Whether some name is matched by both: "*.svc.test" and "a.svc.test", "*.test" and "*.svc.test".
bool meet(const std::string& one, const std::string& other) {
    const auto a = plain(one);
    const auto b = plain(other);
    const auto below = [](const std::string& name, const std::string& pattern) {
        return pattern == "*" || (pattern.starts_with("*.") && name.ends_with(std::string_view(pattern).substr(1)));
    };
    return a == b || below(a, b) || below(b, a);
}

bool share_opcode(const DnsFault& one, const DnsFault& other) {
    const std::vector<std::uint8_t> query{0};  // what holds if none is given
    return share_one(one.opcodes.empty() ? query : one.opcodes, other.opcodes.empty() ? query : other.opcodes);
}

bool same_answer(const DnsFault& one, const DnsFault& other) {
    return one.answers == other.answers && one.turn == other.turn && one.ttl == other.ttl && one.negative_ttl == other.negative_ttl;
}

// The name that both match, as the later one writes it; "" if they never meet.
std::string contested(const PlannedFault& first, const PlannedFault& second) {
    const auto* one = std::get_if<DnsFault>(&first.fault);
    const auto* other = std::get_if<DnsFault>(&second.fault);
    if (one == nullptr || other == nullptr || same_answer(*one, *other) || one->port != other->port) return "";
    if (!at_one_time(first, second) || !same_place(first, second)) return "";
    if (!share_one(one->types, other->types) || !share_one(one->servers, other->servers) || !share_opcode(*one, *other)) return "";
    for (const auto& name : other->names)
        if (std::ranges::any_of(one->names, [&](const std::string& n) { return meet(n, name); })) return name;
    return "";
}

}  // namespace

void check_dns_rules(const Draft& draft, Complaints& complaints) {
    for (std::size_t i = 0; i < draft.faults.size(); ++i)
        for (std::size_t j = 0; j < i; ++j) {
            const auto& later = draft.faults[i];
            const auto name = contested(draft.faults[j].value, later.value);
            if (name.empty()) continue;
            complaints.error(place_of(later.keys, "names", later.place),
                             "names: '" + name + "' has another answer from fault '" + draft.faults[j].value.name + "' at the same time");
        }
}

}  // namespace blackstart
