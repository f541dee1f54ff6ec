// What one table says of another: names that must exist, and times that must fit.
#include <algorithm>

#include "experiments/parse/draft.h"
#include "experiments/parse/probes.h"

namespace blackstart {
namespace {

std::vector<std::string> words(const std::set<std::string>& names) { return {names.begin(), names.end()}; }

// Where the i-th of a key's values stands: one value, or an array of them.
Place place_of_nth(const Datum& datum, std::size_t i) { return datum.type == Datum::Type::list ? datum.list.at(i).place : datum.place; }

std::string unknown_target(const std::string& target, const Names& names) {
    return "target: unknown target '" + target + "'" +
           (names.targets.empty() ? "; there is no [target." + target + "]" : hint(target, words(names.targets)));
}

void check_targets(const Drafted<PlannedFault>& drafted, const Names& names, Complaints& complaints) {
    const auto* given = drafted.keys.given("target");
    if (given == nullptr) return;
    std::set<std::string> seen;
    for (std::size_t i = 0; i < drafted.value.targets.size(); ++i) {
        const auto& target = drafted.value.targets[i];
        if (!names.targets.contains(target))
            complaints.error(place_of_nth(*given, i), unknown_target(target, names));
        else if (!seen.insert(target).second)
            complaints.error(place_of_nth(*given, i), "target: '" + target + "' is named twice");
    }
}

void check_probe(const Keys& keys, const std::string& probe, const Names& names, Complaints& complaints) {
    if (const auto* given = keys.given("probe"); given != nullptr && !probe.empty() && !names.probes.contains(probe))
        complaints.error(given->place, "probe: unknown probe '" + probe + "'" + hint(probe, words(names.probes)));
}

void check_window(const Drafted<Expectation>& drafted, const Names& names, Complaints& complaints) {
    const auto& during = drafted.value.during;
    auto windows = words(names.faults);
    windows.insert(windows.begin(), {"baseline", "fault", "after"});
    if (during.empty() || std::ranges::find(windows, during) != windows.end()) return;
    complaints.error(place_of(drafted.keys, "during", drafted.place), "during: unknown fault '" + during + "'" + hint(during, windows));
}

void check_event(const Drafted<Expectation>& drafted, const Names& names, Complaints& complaints) {
    const std::string fault = std::visit(
        [](const auto& c) -> std::string {
            if constexpr (requires { c.fault; }) return c.fault;
            return "";
        },
        drafted.value.condition);
    if (fault.empty() || names.faults.contains(fault)) return;
    complaints.error(place_of(drafted.keys, "after", drafted.place),
                     "after: unknown fault '" + fault + "'" + hint(fault, words(names.faults)));
}

void check_meter(const Drafted<Expectation>& drafted, const Names& names, Complaints& complaints) {
    const auto meter = blackstart::meter(drafted.value);
    if (meter.empty() || names.meters.contains(meter)) return;
    complaints.error(
        place_of(drafted.keys, "meter", drafted.place),
        "meter: unknown meter '" + meter + "'" + (names.meters.empty() ? "; there is no [[meter]]" : hint(meter, words(names.meters))));
}

void check_agreement(const Drafted<Expectation>& drafted, const Names& names, Complaints& complaints) {
    const auto* agrees = std::get_if<AgreesWith>(&drafted.value.condition);
    if (agrees == nullptr || agrees->other.empty()) return;
    const Place place = place_of(drafted.keys, "agrees_with", drafted.place);
    if (!names.probes.contains(agrees->other))
        complaints.error(place, "agrees_with: unknown probe '" + agrees->other + "'" + hint(agrees->other, words(names.probes)));
    else if (agrees->other == drafted.value.probe)
        complaints.error(place, "agrees_with: a probe always agrees with itself: name another");
}

void check_value(const Drafted<Expectation>& drafted, const std::deque<Drafted<Probe>>& probes, Complaints& complaints) {
    const std::string key = condition(drafted.value);
    if (!is_of_values(drafted.value) || !drafted.keys.right(key)) return;
    for (const auto& [probe, keys, place] : probes)
        if (probe.name == drafted.value.probe && !has_value(probe))
            complaints.error(place_of(drafted.keys, key, drafted.place),
                             key + ": probe '" + probe.name + "' has no value" +
                                 (std::holds_alternative<HttpProbe>(probe.kind) ? ": give it a 'value'" : ""));
}

// A namespace that is nearly a lab host's name is most likely meant to be that host.
void check_netns(const Keys& keys, const char* key, const std::string& netns, const Draft& draft, Complaints& complaints) {
    const auto* given = keys.given(key);
    if (!draft.has_lab || given == nullptr || netns.empty() || netns.starts_with('/') || netns.starts_with("pid:")) return;
    if (draft.names.hosts.contains(netns)) return;
    const auto near = nearest(netns, words(draft.names.hosts));
    complaints.warning(given->place, std::string(key) + ": no host of the lab is called '" + netns + "'" +
                                         (near.empty() ? ": it is looked for on the machine" : "; did you mean '" + near + "'?"));
}

void check_reserved(const Drafted<PlannedFault>& drafted, Complaints& complaints) {
    for (const char* word : {"baseline", "fault", "after"})
        if (drafted.value.name == word)
            complaints.error(place_of(drafted.keys, "name", drafted.place),
                             "name: '" + drafted.value.name + "' is a window of every experiment");
}

}  // namespace

void check_references(const Draft& draft, Complaints& complaints) {
    for (const auto& fault : draft.faults) {
        check_targets(fault, draft.names, complaints);
        check_reserved(fault, complaints);
    }
    for (const auto& expectation : draft.expectations) {
        check_probe(expectation.keys, expectation.value.probe, draft.names, complaints);
        check_window(expectation, draft.names, complaints);
        check_event(expectation, draft.names, complaints);
        check_meter(expectation, draft.names, complaints);
        check_agreement(expectation, draft.names, complaints);
        check_value(expectation, draft.probes, complaints);
    }
    for (const auto& [meter, keys, place] : draft.meters)
        if (const auto* given = keys.given("target");
            given != nullptr && !meter.target.empty() && !draft.names.targets.contains(meter.target))
            complaints.error(given->place, unknown_target(meter.target, draft.names));
    for (const auto& [guard, keys, place] : draft.guards) check_probe(keys, guard.probe, draft.names, complaints);
    for (const auto& [probe, keys, place] : draft.probes) check_netns(keys, "from", probe.from, draft, complaints);
    for (const auto& [target, keys, place] : draft.target_tables) check_netns(keys, "netns", target.netns, draft, complaints);
}

void check_times(const Draft& draft, Complaints& complaints) {
    const auto& experiment = draft.head.value;
    if (experiment.duration.count() == 0) return;  // not known
    const auto duration = draft.head.keys.given("duration")->text;
    for (const auto& [fault, keys, place] : draft.faults) {
        if (fault.terms.duration.count() == 0) continue;
        const auto* at = keys.given("at");
        const auto* length = keys.given("for");
        if (fault.at >= experiment.duration)
            complaints.error(place_of(keys, "at", place),
                             "at: the fault starts at " + at->text + ", when the experiment of " + duration + " is over");
        else if (fault.at + fault.terms.duration > experiment.duration)
            complaints.error(length->place, "for: the fault ends " + (at != nullptr ? at->text + " + " : "") + length->text +
                                                " after t0, beyond the experiment's duration of " + duration);
    }
}

}  // namespace blackstart
