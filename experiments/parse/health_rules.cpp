// Two health faults that would show one check different results at one time.
#include <algorithm>

#include "experiments/parse/draft.h"
#include "experiments/parse/overlap.h"
#include "injector/prefix.h"

namespace blackstart {
namespace {

// Of two patterns, each the whole text or, with a last '*', its beginning; "" is any text.
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

// Of two lists of addresses and CIDRs; empty is any.
bool peers_meet(const std::vector<std::string>& one, const std::vector<std::string>& other) {
    if (one.empty() || other.empty()) return true;
    return std::ranges::any_of(one, [&](const std::string& a) {
        return std::ranges::any_of(other, [&](const std::string& b) {
            const auto left = parse_prefix(a), right = parse_prefix(b);
            if (!left || !right || left->v4() != right->v4()) return false;
            for (unsigned bit = 0; bit < std::min(left->bits, right->bits); bit++)
                if (((left->address[bit / 8] ^ right->address[bit / 8]) & (0x80U >> bit % 8)) != 0) return false;
            return true;
        });
    });
}

bool same_result(const HealthFault& one, const HealthFault& other) {
    return one.result == other.result && (one.result != HealthFault::Result::status || one.status == other.status);
}

// The port of a check that both would show something else; 0 if there is none.
std::uint16_t contested_port(const PlannedFault& first, const PlannedFault& second) {
    const auto* one = std::get_if<HealthFault>(&first.fault);
    const auto* other = std::get_if<HealthFault>(&second.fault);
    if (one == nullptr || other == nullptr || same_result(*one, *other) || one->protocol != other->protocol) return 0;
    if (!at_one_time(first, second) || !same_place(first, second)) return 0;
    if (!patterns_meet(one->path, other->path) || !patterns_meet(one->agent, other->agent) || !peers_meet(one->from, other->from)) return 0;
    if (one->sni != other->sni) return 0;
    for (const auto port : other->ports)
        if (std::ranges::find(one->ports, port) != one->ports.end()) return port;
    return 0;
}

}  // namespace

void check_health_rules(const Draft& draft, Complaints& complaints) {
    for (std::size_t i = 0; i < draft.faults.size(); ++i)
        for (std::size_t j = 0; j < i; ++j) {
            const auto& later = draft.faults[i];
            const auto port = contested_port(draft.faults[j].value, later.value);
            if (port == 0) continue;
            complaints.error(place_of(later.keys, "port", later.place), "port: a check on " + std::to_string(port) +
                                                                            " is shown another result by fault '" +
                                                                            draft.faults[j].value.name + "' at the same time");
        }
}

}  // namespace blackstart
