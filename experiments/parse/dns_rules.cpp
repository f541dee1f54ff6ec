// Two DNS faults that would give one question different answers at one time.
#include <algorithm>
#include <string>

#include "experiments/parse/overlap.h"
#include "injector/name_index.h"
#include "injector/overlap.h"
#include "injector/prefix.h"

namespace blackstart {
namespace {

bool share_opcode(const DnsFault& one, const DnsFault& other) {
    const std::vector<std::uint8_t> query{0};  // what holds if none is given
    return share_one(one.opcodes.empty() ? query : one.opcodes, other.opcodes.empty() ? query : other.opcodes);
}

bool same_answer(const DnsFault& one, const DnsFault& other) {
    return one.answers == other.answers && one.turn == other.turn && one.ttl == other.ttl && one.negative_ttl == other.negative_ttl &&
           one.delay == other.delay;
}

// The name that both match, as the later one writes it; "" if they never meet.
std::string contested(const PlannedFault& first, const PlannedFault& second, const Draft& draft) {
    const auto* one = std::get_if<DnsFault>(&first.fault);
    const auto* other = std::get_if<DnsFault>(&second.fault);
    if (one == nullptr || other == nullptr || same_answer(*one, *other) || one->port != other->port) return "";
    if (!at_one_time(first, second) || !same_place(first, second, draft)) return "";
    if (!share_one(one->types, other->types) || !networks_meet(one->servers, other->servers) || !share_opcode(*one, *other)) return "";
    const NameIndex names(one->names);
    const auto met = std::ranges::find_if(other->names, [&](const std::string& name) { return names.meets(name).has_value(); });
    return met == other->names.end() ? "" : *met;
}

}  // namespace

void check_dns_rules(const Draft& draft, Complaints& complaints) {
    for (std::size_t i = 0; i < draft.faults.size(); ++i)
        for (std::size_t j = 0; j < i; ++j) {
            const auto& later = draft.faults[i];
            const auto name = contested(draft.faults[j].value, later.value, draft);
            if (name.empty()) continue;
            complaints.error(place_of(later.keys, "names", later.place),
                             "names: '" + name + "' has another answer from fault '" + draft.faults[j].value.name + "' at the same time");
        }
}

}  // namespace blackstart
