#include "experiments/report/plan.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "experiments/expectations/figures.h"
#include "experiments/parse.h"
#include "experiments/report/words.h"
#include "experiments/version.h"
#include "injector/kernel/error.h"

namespace blackstart {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* format = "blackstart-plan/1.1";
constexpr std::size_t most_peers = 20, shown_peers = 3;

double seconds(std::chrono::nanoseconds time) { return std::chrono::duration<double>(time).count(); }

Json as_json(const Radius& radius) {
    Json json{{"sockets", radius.sockets},
              {"exempt", radius.exempt},
              {"peers", Json::array()},
              {"listeners", Json::array()},
              {"processes", Json::array()},
              {"spared", radius.spared},
              {"more_peers", radius.peers.size() - std::min(radius.peers.size(), most_peers)},
              {"unknown", radius.unknown}};
    for (std::size_t i = 0; i < std::min(radius.peers.size(), most_peers); i++) {
        const auto& peer = radius.peers[i];
        json["peers"].push_back({{"protocol", peer.protocol}, {"address", peer.address}, {"port", peer.port}, {"sockets", peer.sockets}});
    }
    for (const auto& local : radius.locals)
        json["listeners"].push_back({{"protocol", local.protocol}, {"address", local.address}, {"port", local.port}});
    for (const auto& process : radius.processes) json["processes"].push_back({{"pid", process.pid}, {"name", process.name}});
    return json;
}

Json as_json(const Placed& placed) {
    const auto& fault = *placed.fault;
    return {{"name", fault.name},
            {"kind", kind(fault.fault)},
            {"target", placed.target},
            {"netns", placed.netns},
            {"interfaces", placed.interfaces},
            {"cgroup", placed.cgroup},
            {"at_s", seconds(fault.at)},
            {"for_s", seconds(fault.terms.duration)},
            {"does", in_words(fault.fault)},
            {"terms", in_words(fault.terms)},
            {"limits", placed.notes},
            {"possible", placed.refusal.empty()},
            {"refusal", placed.refusal},
            {"radius", as_json(placed.radius)}};
}

Json as_json(const Plan& plan) {
    const Experiment& experiment = plan.experiment;
    Json json{{"format", format},
              {"version", kVersion},
              {"experiment", experiment.name},
              {"title", experiment.title},
              {"file", plan.file},
              {"seed", plan.seed},
              {"baseline_s", seconds(experiment.baseline)},
              {"duration_s", seconds(experiment.duration)},
              {"faults", Json::array()},
              {"probes", Json::array()},
              {"meters", Json::array()},
              {"services", Json::array()},
              {"obstacles", plan.obstacles},
              {"exempt", exempt()},
              {"toml", plan.text}};
    for (const auto& placed : plan.faults) json["faults"].push_back(as_json(placed));
    for (const auto& probe : experiment.probes)
        json["probes"].push_back({{"name", probe.name}, {"kind", kind(probe)}, {"from", probe.from}, {"every_s", seconds(probe.every)}});
    for (const auto& meter : experiment.meters)
        json["meters"].push_back({{"name", meter.name}, {"target", target_of(meter)}, {"counts", in_words(meter.plan)}});
    if (experiment.lab)
        for (const auto& service : experiment.lab->services)
            json["services"].push_back({{"name", service.name}, {"host", service.host}, {"run", service.run}});
    return json;
}

std::string end_of(const std::string& address, std::uint16_t port) {
    return address.find(':') == std::string::npos ? fmt::format("{}:{}", address, port) : fmt::format("[{}]:{}", address, port);
}

// What it would meet now, in a line or two.
std::vector<std::string> met(const Placed& placed) {
    const Radius& radius = placed.radius;
    if (placed.in_lab) return {"nothing yet: the lab is made for the run"};
    if (const auto* surge = std::get_if<SurgeFault>(&placed.fault->fault))
        return {fmt::format("nothing that is there: it opens {} connections a second of its own", surge->rate)};
    if (!radius.unknown.empty()) return {"cannot be told: " + radius.unknown};
    std::vector<std::string> lines, some;
    if (std::holds_alternative<ProcessFault>(placed.fault->fault)) {
        for (const auto& process : radius.processes) some.push_back(fmt::format("{} ({})", process.pid, process.name));
        lines.push_back(some.empty() ? "no process is selected at present" : fmt::format("{} now: {}", some.size(), fmt::join(some, ", ")));
        if (!radius.spared.empty()) lines.push_back(fmt::format("spared: {}", fmt::join(radius.spared, ", ")));
        return lines;
    }
    for (const auto& peer : radius.peers)
        if (some.size() < shown_peers)
            some.push_back(fmt::format("{} {} ×{}", peer.protocol, end_of(peer.address, peer.port), peer.sockets));
    if (radius.peers.size() > some.size()) some.push_back(fmt::format("and {} more", radius.peers.size() - some.size()));
    lines.push_back(radius.sockets == 0 ? "no open connection matches at present"
                                        : fmt::format("{} to {}: {}", counted(radius.sockets, "open connection"),
                                                      counted(radius.peers.size(), "peer"), fmt::join(some, ", ")));
    some.clear();
    for (const auto& local : radius.locals)
        if (some.size() < shown_peers * 2) some.push_back(fmt::format("{} {}", local.protocol, end_of(local.address, local.port)));
    if (radius.locals.size() > some.size()) some.push_back(fmt::format("and {} more", radius.locals.size() - some.size()));
    if (!some.empty()) lines.push_back(fmt::format("sockets that wait for others: {}", fmt::join(some, ", ")));
    if (radius.exempt > 0) lines.push_back(fmt::format("exempt: {} of this session", counted(radius.exempt, "connection")));
    return lines;
}

std::string to_text(const Placed& placed) {
    const auto& fault = *placed.fault;
    std::string text = fmt::format("├─ fault {} ({}) on {}\n", fault.name, kind(fault.fault), placed.target);
    const auto line = [&](const char* name, const std::string& what) { text += fmt::format("│    {:<8}{}\n", name, what); };
    line("does", in_words(fault.fault));
    line("when", fmt::format("from t0 + {}, {}", in_words(fault.at), in_words(fault.terms)));
    line("where", fmt::format("namespace: {}{}{}{}", placed.netns,
                              placed.interfaces.empty() ? "" : "; interfaces: ", fmt::join(placed.interfaces, ", "),
                              placed.cgroup.empty() ? "" : "; only sockets of cgroup " + placed.cgroup));
    if (placed.refusal.empty()) {
        const char* name = "meets";
        for (const auto& one : met(placed)) line(std::exchange(name, ""), one);
    }
    for (const auto& limit : placed.notes) line("note", limit);
    if (!placed.refusal.empty()) line("CANNOT", placed.refusal);
    return text;
}

// The first line that is not alike, for people.
std::string first_difference(const std::string& was, const std::string& is) {
    std::size_t line = 1, a = 0, b = 0;
    for (;; line++) {
        const auto end_a = was.find('\n', a), end_b = is.find('\n', b);
        const auto text_a = was.substr(a, end_a - a), text_b = is.substr(b, end_b - b);
        if (text_a != text_b) return fmt::format("line {} was `{}`, is `{}`", line, text_a, text_b);
        if (end_a == std::string::npos || end_b == std::string::npos) return fmt::format("it has another end, from line {} on", line + 1);
        a = end_a + 1, b = end_b + 1;
    }
}

}  // namespace

std::string to_text(const Plan& plan) {
    const Experiment& experiment = plan.experiment;
    std::string text = fmt::format("{}: {}\n", experiment.name, experiment.title);
    text += fmt::format("├─ baseline {}, then {} of observation\n", in_words(experiment.baseline), in_words(experiment.duration));
    if (experiment.lab)
        text += fmt::format("├─ lab: {} hosts in namespaces of their own, {} services; all gone afterwards\n", experiment.lab->hosts.size(),
                            experiment.lab->services.size());
    for (const auto& placed : plan.faults) text += to_text(placed);
    for (const auto& probe : experiment.probes)
        text += fmt::format("├─ probe {} ({}) every {} from {}\n", probe.name, kind(probe), in_words(probe.every),
                            probe.from.empty() ? "the host" : probe.from);
    for (const auto& meter : experiment.meters)
        text += fmt::format("├─ meter {} on {}: counts {}, and changes nothing\n", meter.name, target_of(meter), in_words(meter.plan));
    for (const auto& guard : experiment.guards)
        text += fmt::format("├─ guard on {}: {} over {}\n", guard.probe, guard.text, in_words(guard.over));
    for (const auto& obstacle : plan.obstacles) text += "├─ CANNOT  " + obstacle + "\n";
    text += "└─ never touched\n";
    for (const auto& what : exempt()) text += "     " + what + "\n";
    return text;
}

std::string to_json(const Plan& plan) { return as_json(plan).dump(-1, ' ', false, Json::error_handler_t::replace) + "\n"; }

PlanRead read_plan(const std::string& file) {
    const std::string text = read_file(file);
    const auto end = text.find_last_not_of("\n ");
    if (text.substr(0, end + 1).find('\n') != std::string::npos)
        throw Misuse(file +
                     " holds more than one line: `run --plan` takes one plan (`blackstart plan FILE --json`, of one half of a drill)");
    const Json json = Json::parse(text, nullptr, false);
    const auto is_text = [&](const char* key) { return json.contains(key) && json[key].is_string(); };
    if (!json.is_object() || !is_text("format") || !json["format"].get<std::string>().starts_with("blackstart-plan/1.") ||
        !is_text("file") || !is_text("toml") || !json.contains("seed") || !json["seed"].is_number_unsigned() || !json.contains("faults"))
        throw Misuse(file + " is no plan: `blackstart plan FILE --json > " + file + "` makes one");
    return {json["file"], json["toml"], json["seed"], json["faults"].dump()};
}

std::vector<std::string> differences(const PlanRead& planned, const Plan& now) {
    if (planned.text != now.text) return {now.file + ": " + first_difference(planned.text, now.text)};
    const Json was = Json::parse(planned.faults), is = as_json(now)["faults"];
    std::vector<std::string> found;
    if (was.size() != is.size()) return {fmt::format("{} faults were planned, there are {}", was.size(), is.size())};
    for (std::size_t i = 0; i < is.size(); i++)
        for (const auto& [key, value] : is[i].items()) {
            const Json before = was[i].value(key, Json());
            if (key != "radius" && before != value)
                found.push_back(fmt::format("fault {} on {}: {} was {}, is {}", now.faults[i].fault->name, now.faults[i].target, key,
                                            before.dump(-1, ' ', false, Json::error_handler_t::replace),
                                            value.dump(-1, ' ', false, Json::error_handler_t::replace)));
        }
    return found;
}

}  // namespace blackstart
