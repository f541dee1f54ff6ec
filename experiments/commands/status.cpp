#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <iostream>
#include <nlohmann/json.hpp>

#include "experiments/commands/commands.h"
#include "experiments/report/words.h"
#include "injector/registry.h"

namespace blackstart {
namespace {

using Json = nlohmann::ordered_json;

const LiveCount* count_of(const LiveFault& fault, const LiveProcess& process) {
    const auto is_its = [&](const LiveCount& count) { return count.name == fault.name && count.target == fault.target; };
    const auto found = std::ranges::find_if(process.counts, is_its);
    return found == process.counts.end() ? nullptr : &*found;
}

// As `restored` of inject tells them.
void add_counts(Json& json, const LiveCount& count) {
    json["hits"] = count.hits;
    json["matched"] = count.matched;
    json["dropped"] = count.dropped;
    if (count.delayed > 0)
        json["delay"] = {{"packets", count.delayed}, {"p50_us", count.delay_p50_ns / 1000}, {"p99_us", count.delay_p99_ns / 1000}};
}

Json as_json(const LiveProcess& process) {
    Json faults = Json::array();
    for (const auto& fault : process.faults) {
        faults.push_back({{"name", fault.name},
                          {"kind", fault.kind},
                          {"target", fault.target},
                          {"netns", fault.netns_inode},
                          {"interfaces", fault.interfaces},
                          {"until", fault.until},
                          {"claims", fault.claims}});
        if (const auto* count = count_of(fault, process)) add_counts(faults.back(), *count);
    }
    return {{"pid", process.pid},     {"user", process.user},       {"command", process.command},
            {"since", process.since}, {"stopped", process.stopped}, {"faults", faults}};
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

std::string so_far(const LiveCount* count) {
    if (count == nullptr) return "";
    auto text = fmt::format(": {} hits", count->hits);
    if (count->dropped > 0) text += fmt::format(", {} lost by the fault", count->dropped);
    if (count->delayed > 0)
        text += fmt::format(", held for {} (median), {} (p99)", in_words(std::chrono::nanoseconds(count->delay_p50_ns)),
                            in_words(std::chrono::nanoseconds(count->delay_p99_ns)));
    return text;
}

void tell(const LiveProcess& process) {
    fmt::print("process {} of {}, since {}: {}\n", process.pid, process.user, process.since, process.command);
    if (process.stopped) fmt::print("  stopped: inert once its lease has lapsed; `blackstart restore` ends it\n");
    if (process.faults.empty()) fmt::print("  nothing in force at present\n");
    for (const auto& fault : process.faults)
        fmt::print("  {:8} {:16} on {} ({}) until {}{}\n", fault.kind, fault.name, fault.target, joined(fault.interfaces),
                   short_time(fault.until), so_far(count_of(fault, process)));
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
