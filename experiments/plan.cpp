#include "experiments/plan.h"

#include "experiments/report/words.h"
#include "injector/injection.h"
#include "injector/kernel/error.h"
#include "injector/kernel/netns.h"
#include "injector/resolver_path.h"

namespace blackstart {
namespace {

std::string told(const Unfit& error) { return std::string(error.what()) + (error.fix.empty() ? "" : "; " + error.fix); }

TargetSpec spec_of(const Experiment& experiment, const std::string& target) {
    return target == host_target && !experiment.targets.contains(target) ? TargetSpec{} : experiment.targets.at(target);
}

bool in_lab(const Experiment& experiment, const std::string& netns) { return experiment.lab && experiment.lab->hosts.contains(netns); }

void place_on_host(Placed& placed, const TargetSpec& spec) {
    try {
        const Target found = resolve(spec);
        for (const auto& interface : found.interfaces) placed.interfaces.push_back(interface.name);
        placed.cgroup = found.cgroup.path;
        placed.radius = radius(placed.fault->fault, found);
    } catch (const Unfit& error) {
        placed.refusal = told(error);
    }
}

// What says why `look` cannot be done, if it cannot.
template <class Look> void add_obstacle(std::vector<std::string>& obstacles, const std::string& who, Look look) {
    try {
        look();
    } catch (const Unfit& error) {
        obstacles.push_back(who + ": " + told(error));
    }
}

std::vector<std::string> obstacles_of(const Experiment& experiment) {
    std::vector<std::string> all;
    for (const auto& probe : experiment.probes)
        if (!in_lab(experiment, probe.from)) add_obstacle(all, "probe '" + probe.name + "'", [&] { open_netns(probe.from); });
    for (const auto& meter : experiment.meters) {
        const auto spec = spec_of(experiment, target_of(meter));
        if (!in_lab(experiment, spec.netns)) add_obstacle(all, "meter '" + meter.name + "'", [&] { resolve(spec); });
    }
    return all;
}

Placed place(const Experiment& experiment, const PlannedFault& fault, const std::string& target) {
    Placed placed;
    placed.fault = &fault;
    placed.target = target;
    placed.notes = limits_of(fault.fault);
    const TargetSpec spec = spec_of(experiment, target);
    placed.in_lab = in_lab(experiment, spec.netns);
    placed.netns = placed.in_lab ? "lab host " + spec.netns : spec.netns.empty() ? "the host's own" : spec.netns;
    if (const auto refusal = unsupported(fault.fault)) placed.refusal = refusal->reason + (refusal->fix.empty() ? "" : "; " + refusal->fix);
    if (!placed.in_lab && std::holds_alternative<DnsFault>(fault.fault))
        for (auto& note : resolver_path()) placed.notes.push_back(std::move(note));
    if (placed.in_lab)
        placed.interfaces = spec.interface.empty() ? std::vector<std::string>{"lo", "eth0"} : spec.interface;
    else if (placed.refusal.empty())
        place_on_host(placed, spec);
    return placed;
}

std::vector<Placed> placements(const Experiment& experiment) {
    std::vector<Placed> all;
    for (const auto& fault : experiment.faults)
        for (const auto& target : targets_of(fault)) all.push_back(place(experiment, fault, target));
    return all;
}

}  // namespace

Plan::Plan(std::string file_, std::string text_, std::uint64_t seed_, Experiment experiment_)
    : file(std::move(file_)),
      text(std::move(text_)),
      seed(seed_),
      experiment(std::move(experiment_)),
      faults(placements(experiment)),
      obstacles(obstacles_of(experiment)) {}

const std::vector<std::string>& exempt() {
    static const std::vector<std::string> all{
        "ARP, neighbour discovery and DHCP", "TCP connections held by the processes that started blackstart (your SSH session)",
        "everything that a fault does not match: no root qdisc, firewall rule or file under /etc is touched"};
    return all;
}

}  // namespace blackstart
