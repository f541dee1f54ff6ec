// Two health faults that would show one check different results at one time.
#include <algorithm>

#include "experiments/parse/overlap.h"
#include "injector/claims.h"
#include "injector/prefix.h"

namespace blackstart {
namespace {

bool same_result(const HealthFault& one, const HealthFault& other) {
    return one.result == other.result && (one.result != HealthFault::Result::status || one.status == other.status);
}

// The port of a check that both would show something else; 0 if there is none.
std::uint16_t contested_port(const PlannedFault& first, const PlannedFault& second, const Draft& draft) {
    const auto* one = std::get_if<HealthFault>(&first.fault);
    const auto* other = std::get_if<HealthFault>(&second.fault);
    if (one == nullptr || other == nullptr || same_result(*one, *other) || one->protocol != other->protocol) return 0;
    if (!at_one_time(first, second) || !same_place(first, second, draft)) return 0;
    if (!patterns_meet(one->path, other->path) || !patterns_meet(one->agent, other->agent) || !networks_meet(one->from, other->from))
        return 0;
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
            const auto port = contested_port(draft.faults[j].value, later.value, draft);
            if (port == 0) continue;
            complaints.error(place_of(later.keys, "port", later.place), "port: a check on " + std::to_string(port) +
                                                                            " is shown another result by fault '" +
                                                                            draft.faults[j].value.name + "' at the same time");
        }
}

}  // namespace blackstart
