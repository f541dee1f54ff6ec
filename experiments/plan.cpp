#include "experiments/plan.h"

#include "experiments/report/words.h"
#include "injector/injection.h"
#include "injector/kernel/error.h"
#include "injector/resolver_path.h"

namespace blackstart {
namespace {

void place_on_host(Placed& placed, const TargetSpec& spec) {
    try {
        const Target found = resolve(spec);
        for (const auto& interface : found.interfaces) placed.interfaces.push_back(interface.name);
        placed.cgroup = found.cgroup.path;
        placed.radius = radius(placed.fault->fault, found);
    } catch (const Unfit& error) {
        placed.refusal = std::string(error.what()) + (error.fix.empty() ? "" : "; " + error.fix);
    }
}

Placed place(const Experiment& experiment, const PlannedFault& fault, const std::string& target) {
    Placed placed;
    placed.fault = &fault;
    placed.target = target;
    placed.notes = limits_of(fault.fault);
    const TargetSpec spec = target == "host" && !experiment.targets.contains(target) ? TargetSpec{} : experiment.targets.at(target);
    const bool in_lab = placed.in_lab = experiment.lab && experiment.lab->hosts.contains(spec.netns);
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

}  // namespace

Plan::Plan(std::string file_, std::string text_, std::uint64_t seed_, Experiment experiment_)
    : file(std::move(file_)), text(std::move(text_)), seed(seed_), experiment(std::move(experiment_)), faults(placements(experiment)) {}

const std::vector<std::string>& exempt() {
    static const std::vector<std::string> all{
        "ARP, neighbour discovery and DHCP", "TCP connections held by the processes that started blackstart (your SSH session)",
        "everything that a fault does not match: no root qdisc, firewall rule or file under /etc is touched"};
    return all;
}

}  // namespace blackstart
