#include <fmt/format.h>

#include <iostream>
#include <nlohmann/json.hpp>

#include "experiments/commands/commands.h"
#include "injector/registry.h"

namespace blackstart {
namespace {

using Json = nlohmann::ordered_json;

Json as_json(const LiveProcess& process) {
    Json faults = Json::array();
    for (const auto& fault : process.faults)
        faults.push_back({{"name", fault.name},
                          {"kind", fault.kind},
                          {"target", fault.target},
                          {"netns", fault.netns_inode},
                          {"interfaces", fault.interfaces},
                          {"until", fault.until},
                          {"claims", fault.claims}});
    return {{"pid", process.pid}, {"user", process.user}, {"command", process.command}, {"since", process.since}, {"faults", faults}};
}

std::string joined(const std::vector<std::string>& words) {
    std::string text;
    for (const auto& word : words) text += (text.empty() ? "" : ",") + word;
    return text;
}

// Whole seconds are enough for people.
std::string short_time(const std::string& time) {
    const auto dot = time.find('.');
    return dot == std::string::npos ? time : time.substr(0, dot) + "Z";
}

void tell(const LiveProcess& process) {
    fmt::print("process {} of {}, since {}: {}\n", process.pid, process.user, process.since, process.command);
    if (process.faults.empty()) fmt::print("  nothing in force at present\n");
    for (const auto& fault : process.faults)
        fmt::print("  {:8} {:16} on {} ({}) until {}\n", fault.kind, fault.name, fault.target, joined(fault.interfaces),
                   short_time(fault.until));
}

}  // namespace

int status(bool json) {
    const auto live = live_processes();
    if (json) {
        Json all{{"format", "blackstart-status/1.0"}, {"processes", Json::array()}};
        for (const auto& process : live) all["processes"].push_back(as_json(process));
        std::cout << all.dump(-1, ' ', false, Json::error_handler_t::replace) << '\n';
        return 0;
    }
    if (live.empty()) fmt::print("nothing is injected on this host\n");
    for (const auto& process : live) tell(process);
    return 0;
}

}  // namespace blackstart
