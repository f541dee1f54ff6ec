#include <fmt/format.h>
#include <fmt/ranges.h>

#include <iostream>
#include <nlohmann/json.hpp>

#include "experiments/commands/commands.h"
#include "experiments/parse.h"
#include "experiments/report/words.h"
#include "injector/injection.h"
#include "injector/kernel/error.h"
#include "injector/registry.h"
#include "injector/resolver_path.h"

namespace blackstart {
namespace {

using Json = nlohmann::ordered_json;

const char* const kExempt[] = {"ARP, neighbour discovery and DHCP",
                               "TCP connections held by the processes that started blackstart (your SSH session)",
                               "everything that a fault does not match: no root qdisc, firewall rule or file under /etc is touched"};

// One fault on one target, as it would be put there now.
struct Placed {
    const PlannedFault* fault = nullptr;
    std::string target, netns;
    std::vector<std::string> interfaces;  // empty in a lab that is not made yet
    std::string cgroup;
    std::vector<std::string> notes;  // what it cannot do, and how it is met here
    std::string refusal;             // why it could not be put there; "" if it could
};

void place_on_host(Placed& placed, const TargetSpec& spec) {
    try {
        const Target found = resolve(spec);
        for (const auto& interface : found.interfaces) placed.interfaces.push_back(interface.name);
        placed.cgroup = found.cgroup.path;
    } catch (const Unfit& error) {
        placed.refusal = std::string(error.what()) + (error.fix.empty() ? "" : "; " + error.fix);
    }
}

Placed place(const Experiment& experiment, const PlannedFault& fault, const std::string& target) {
    Placed placed{&fault, target, "", {}, "", limits_of(fault.fault), ""};
    const TargetSpec spec = target == "host" && !experiment.targets.contains(target) ? TargetSpec{} : experiment.targets.at(target);
    const bool in_lab = experiment.lab && experiment.lab->hosts.contains(spec.netns);
    placed.netns = in_lab ? "lab host " + spec.netns : spec.netns.empty() ? "the host's own" : spec.netns;
    if (const auto refusal = unsupported(fault.fault)) placed.refusal = refusal->reason + (refusal->fix.empty() ? "" : "; " + refusal->fix);
    if (!in_lab && std::holds_alternative<DnsFault>(fault.fault))
        for (auto& note : resolver_path()) placed.notes.push_back(std::move(note));
    if (in_lab)
        placed.interfaces = spec.interface.empty() ? std::vector<std::string>{"lo", "eth0"} : spec.interface;
    else if (placed.refusal.empty())
        place_on_host(placed, spec);
    return placed;
}

std::vector<Placed> placements(const Experiment& experiment) {
    std::vector<Placed> all;
    for (const auto& fault : experiment.faults) {
        const auto targets = fault.targets.empty() ? std::vector<std::string>{"host"} : fault.targets;
        for (const auto& target : targets) all.push_back(place(experiment, fault, target));
    }
    return all;
}

double seconds(std::chrono::nanoseconds time) { return std::chrono::duration<double>(time).count(); }

Json as_json(const Experiment& experiment, const std::vector<Placed>& all) {
    Json plan{{"format", "blackstart-plan/1.0"},
              {"experiment", experiment.name},
              {"title", experiment.title},
              {"baseline_s", seconds(experiment.baseline)},
              {"duration_s", seconds(experiment.duration)},
              {"faults", Json::array()},
              {"probes", Json::array()},
              {"meters", Json::array()},
              {"services", Json::array()},
              {"exempt", kExempt}};
    for (const auto& placed : all)
        plan["faults"].push_back({{"name", placed.fault->name},
                                  {"kind", kind(placed.fault->fault)},
                                  {"target", placed.target},
                                  {"netns", placed.netns},
                                  {"interfaces", placed.interfaces},
                                  {"cgroup", placed.cgroup},
                                  {"at_s", seconds(placed.fault->at)},
                                  {"for_s", seconds(placed.fault->terms.duration)},
                                  {"does", in_words(placed.fault->fault)},
                                  {"terms", in_words(placed.fault->terms)},
                                  {"limits", placed.notes},
                                  {"possible", placed.refusal.empty()},
                                  {"refusal", placed.refusal}});
    for (const auto& probe : experiment.probes)
        plan["probes"].push_back({{"name", probe.name}, {"kind", kind(probe)}, {"from", probe.from}, {"every_s", seconds(probe.every)}});
    for (const auto& meter : experiment.meters)
        plan["meters"].push_back(
            {{"name", meter.name}, {"target", meter.target.empty() ? "host" : meter.target}, {"counts", in_words(meter.plan)}});
    if (experiment.lab)
        for (const auto& service : experiment.lab->services)
            plan["services"].push_back({{"name", service.name}, {"host", service.host}, {"run", service.run}});
    return plan;
}

void print_fault(const Placed& placed) {
    const auto& fault = *placed.fault;
    fmt::print("├─ fault {} ({}) on {}\n", fault.name, kind(fault.fault), placed.target);
    fmt::print("│    does    {}\n", in_words(fault.fault));
    fmt::print("│    when    from t0 + {}, {}\n", in_words(fault.at), in_words(fault.terms));
    fmt::print("│    where   namespace: {}; interfaces: {}{}\n", placed.netns, fmt::join(placed.interfaces, ", "),
               placed.cgroup.empty() ? "" : "; only sockets of cgroup " + placed.cgroup);
    for (const auto& limit : placed.notes) fmt::print("│    note    {}\n", limit);
    if (!placed.refusal.empty()) fmt::print("│    CANNOT  {}\n", placed.refusal);
}

void print(const Experiment& experiment, const std::vector<Placed>& all) {
    fmt::print("{}: {}\n", experiment.name, experiment.title);
    fmt::print("├─ baseline {}, then {} of observation\n", in_words(experiment.baseline), in_words(experiment.duration));
    if (experiment.lab)
        fmt::print("├─ lab: {} hosts in namespaces of their own, {} services; all gone afterwards\n", experiment.lab->hosts.size(),
                   experiment.lab->services.size());
    for (const auto& placed : all) print_fault(placed);
    for (const auto& probe : experiment.probes)
        fmt::print("├─ probe {} ({}) every {} from {}\n", probe.name, kind(probe), in_words(probe.every),
                   probe.from.empty() ? "the host" : probe.from);
    for (const auto& meter : experiment.meters)
        fmt::print("├─ meter {} on {}: counts {}, and changes nothing\n", meter.name, meter.target.empty() ? "host" : meter.target,
                   in_words(meter.plan));
    for (const auto& guard : experiment.guards) fmt::print("├─ guard on {}: {} over {}\n", guard.probe, guard.text, in_words(guard.over));
    fmt::print("└─ never touched\n");
    for (const auto* exempt : kExempt) fmt::print("     {}\n", exempt);
}

}  // namespace

int plan(const std::string& file, bool json) {
    const auto [experiment, errors, warnings] = parse(read_file(file), file);
    for (const auto& diagnostic : errors) std::cerr << to_string(diagnostic) << '\n';
    if (!errors.empty()) return 2;
    for (const auto& diagnostic : warnings) std::cerr << to_string(diagnostic) << '\n';
    const auto all = placements(experiment);
    if (json)
        std::cout << as_json(experiment, all).dump(2) << '\n';
    else
        print(experiment, all);
    for (const auto& placed : all)
        if (!placed.refusal.empty()) return 4;
    return 0;
}

}  // namespace blackstart
