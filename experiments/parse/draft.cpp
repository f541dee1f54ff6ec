#include "experiments/parse/draft.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "experiments/parse/expectations.h"
#include "experiments/parse/faults.h"
#include "experiments/parse/limits.h"
#include "experiments/parse/probes.h"

namespace blackstart {
namespace {

std::string named(const std::string& noun, const std::string& name, std::size_t number) {
    return name.empty() ? noun + " " + std::to_string(number) : noun + " '" + name + "'";
}

// The kind of a table; "" with a complaint if it has none, or none that is known.
std::string kind_of(const Datum& table, const std::string& noun, const std::vector<std::string>& kinds, Complaints& complaints) {
    const auto* kind = table.find("kind");
    if (kind == nullptr) {
        complaints.error(table.place, noun + " needs 'kind': " + alternatives(kinds));
        return "";
    }
    const auto& value = kind->value;
    if (value.type != Datum::Type::text)
        complaints.error(value.place, "kind: expected " + alternatives(kinds) + ", not " + described(value));
    else if (std::ranges::find(kinds, value.text) != kinds.end())
        return value.text;
    else
        complaints.error(value.place, "unknown kind '" + value.text + "'" + hint(value.text, kinds));
    return "";
}

// Describes the keys that tell what a table is, which were read before.
void add_kind(Keys& keys) {
    keys.on("kind", type::text(), [](const std::string&) {}).says("what it is");
}

std::string experiment_name_fault(const std::string& name) {
    const auto right = [](unsigned char c) { return std::islower(c) || std::isdigit(c) || c == '-'; };
    return std::ranges::all_of(name, right) ? "" : "'" + name + "' is no experiment's name: small letters, digits and '-' only";
}

Type<Limit> trips() {
    return {"CONDITION", Shape::text, false, [](const Datum& datum, Complaints& complaints) -> std::optional<Limit> {
                Datum rest = datum;
                if (datum.type != Datum::Type::text || !datum.text.starts_with("success")) {
                    complaints.error(datum.place, "expected \"success < 50%\", not " + described(datum));
                    return std::nullopt;
                }
                rest.text.erase(0, std::string_view("success").size());
                rest.text.erase(0, rest.text.find_first_not_of(' '));
                auto limit = type::share_limit().read(rest, complaints);
                if (limit && limit->op != Limit::Op::less && limit->op != Limit::Op::at_most) {
                    complaints.error(datum.place, "a guard trips when success falls: expected < or <=, as in \"success < 50%\"");
                    return std::nullopt;
                }
                return limit;
            }};
}

// The conditions that a table names.
std::vector<const Entry*> conditions_of(const Datum& table) {
    const auto known = conditions();
    std::vector<const Entry*> found;
    for (const auto& entry : table.table)
        if (std::ranges::find(known, entry.key) != known.end()) found.push_back(&entry);
    return found;
}

// An expectation without a condition: what was meant by the keys that it has.
void complain_of_no_condition(const Datum& table, const std::string& noun, Complaints& complaints) {
    const auto known = conditions();
    const std::vector<std::string> others = {"probe", "during", "after", "hold", "disagreement", "meter"};
    bool told = false;
    for (const auto& [key, place, value] : table.table) {
        const auto near = std::ranges::find(others, key) != others.end() ? std::string() : nearest(key, known);
        if (near.empty()) continue;
        complaints.error(place, fmt::format("unknown key '{}' in {}; did you mean '{}'?", key, noun, near));
        told = true;
    }
    if (!told) complaints.error(table.place, noun + " needs one condition: " + alternatives(known));
}

}  // namespace

void take_name(std::set<std::string>& taken, const std::string& name, const std::string& noun, const Place& place, Complaints& complaints) {
    const Complaints::About about(complaints, "name");
    if (!taken.insert(name).second) complaints.error(place, "there is another " + noun + " '" + name + "'");
}

std::string text_of(const Datum& table, std::string_view key) {
    const auto* entry = table.find(key);
    return entry != nullptr && entry->value.type == Datum::Type::text ? entry->value.text : "";
}

Place place_of(const Keys& keys, std::string_view key, const Place& otherwise) {
    const auto* given = keys.given(key);
    return given != nullptr ? given->place : otherwise;
}

void read_head(const Datum& document, Draft& draft, Complaints& complaints) {
    const auto* table = document.find("experiment");
    if (table == nullptr) {
        complaints.error({1, 1}, "needs [experiment] with 'name' and 'duration'");
        return;
    }
    auto& [experiment, keys, place] = draft.head;
    place = table->value.place;
    keys.add("name", type::matching("NAME", experiment_name_fault), experiment.name).need().says("small letters, digits and '-'");
    keys.add("title", type::text(), experiment.title).says("one line, for people");
    keys.add("baseline", type::duration(), experiment.baseline).otherwise("5s").says("how long the steady state is measured before t0");
    keys.add("duration", type::duration(), experiment.duration).need().says("from t0 to the end of observation");
    keys.add("seed", type::seed(), experiment.seed).otherwise("drawn, and recorded").says("of every random choice");
    keys.add("repeat", type::whole<int>(1, 1000), experiment.repeat)
        .otherwise("1")
        .says("how often it is run, each time under another seed");
    keys.read(table->value, "[experiment]", complaints);
}

void read_targets(const Datum& targets, Draft& draft, Complaints& complaints) {
    if (targets.type != Datum::Type::table) {
        complaints.error(targets.place, "expected [target.NAME], a table, not " + described(targets));
        return;
    }
    for (const auto& entry : targets.table) {
        draft.names.targets.insert(entry.key);
        auto& drafted = draft.target_tables.emplace_back();
        drafted.place = entry.value.place;
        drafted.value.name = entry.key;
        describe_target(drafted.keys, drafted.value);
        drafted.keys.read(entry.value, "target '" + entry.key + "'", complaints);
    }
}

void read_fault(const Datum& table, std::size_t number, Draft& draft, Complaints& complaints) {
    const auto noun = named("fault", text_of(table, "name"), number);
    const auto kind = kind_of(table, noun, fault_kinds(), complaints);
    const auto name = text_of(table, "name").empty() ? kind + "-" + std::to_string(number) : text_of(table, "name");
    const auto* written = table.find("name");
    take_name(draft.names.faults, name, "fault", written != nullptr ? written->value.place : table.place, complaints);
    if (kind.empty()) return;
    auto& [fault, keys, place] = draft.faults.emplace_back();
    place = table.place;
    fault.fault = make_fault(kind);
    keys = fault_keys(fault);
    add_kind(keys);
    fault.name = name;
    keys.add("name", type::name(), fault.name).otherwise("KIND-N").says("for expectations to refer to");
    keys.add("target", type::list(type::text("TARGET")), fault.targets).otherwise("the host").says("where it is put: a target's name");
    keys.add("at", type::duration(type::Zero::allowed), fault.at).otherwise("0s").says("when it starts, from t0");
    keys.read(table, noun, complaints);
}

void read_probe(const Datum& table, std::size_t number, Draft& draft, Complaints& complaints) {
    const auto name = text_of(table, "name");
    const auto noun = named("probe", name, number);
    if (!name.empty()) take_name(draft.names.probes, name, "probe", table.find("name")->value.place, complaints);
    const auto kind = kind_of(table, noun, probe_kinds(), complaints);
    if (kind.empty()) return;
    auto& [probe, keys, place] = draft.probes.emplace_back();
    place = table.place;
    probe.kind = make_probe(kind);
    keys = probe_keys(probe);
    add_kind(keys);
    keys.add("name", type::name(), probe.name).need().says("for expectations to refer to");
    keys.read(table, noun, complaints);
    if (auto* resolve = std::get_if<ResolveProbe>(&probe.kind); resolve != nullptr && resolve->name.empty()) resolve->name = probe.name;
}

void read_expectation(const Datum& table, std::size_t number, Draft& draft, Complaints& complaints) {
    const auto noun = "expectation " + std::to_string(number);
    const auto found = conditions_of(table);
    if (found.empty()) return complain_of_no_condition(table, noun, complaints);
    for (std::size_t i = 1; i < found.size(); ++i)
        complaints.error(found[i]->place, noun + " has more than one condition, '" + found[0]->key + "' and '" + found[i]->key +
                                              "': write an [[expect]] for each");
    if (found.size() > 1) return;
    auto& [expectation, keys, place] = draft.expectations.emplace_back();
    place = table.place;
    expectation.condition = make_condition(found.front()->key);
    keys = expectation_keys(expectation);
    keys.read(table, noun, complaints);
}

void read_meter(const Datum& table, std::size_t number, Draft& draft, Complaints& complaints) {
    using enum MeterPlan::Count;
    const auto name = text_of(table, "name");
    if (!name.empty()) take_name(draft.names.meters, name, "meter", table.find("name")->value.place, complaints);
    auto& [meter, keys, place] = draft.meters.emplace_back();
    place = table.place;
    keys.add("name", type::name(), meter.name).need().says("for expectations to refer to");
    keys.add("target", type::text("TARGET"), meter.target).otherwise("the host").says("where it counts: a target's name");
    keys.add("count",
             type::choice<MeterPlan::Count>(
                 "count",
                 {{"packets", packets}, {"connections", connections}, {"dns-queries", dns_queries}, {"http-requests", http_requests}}),
             meter.plan.count)
        .need()
        .says("packets, connections, dns-queries or http-requests");
    keys.add("port", type::list(type::port()), meter.plan.ports).otherwise("any; 53 for dns-queries").says("port that they go to");
    keys.read(table, named("meter", name, number), complaints);
}

void read_guard(const Datum& table, std::size_t number, Draft& draft, Complaints& complaints) {
    auto& [guard, keys, place] = draft.guards.emplace_back();
    place = table.place;
    keys.add("probe", type::text("PROBE"), guard.probe).need().says("the probe that is watched");
    keys.add("trips", trips(), guard.success).need().says("when the run is stopped, as in \"success < 50%\"");
    keys.add("over", type::duration(), guard.over).otherwise("5s").says("sliding window");
    keys.read(table, "guard " + std::to_string(number), complaints);
    guard.text = text_of(table, "trips");
}

}  // namespace blackstart
