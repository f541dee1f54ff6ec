#include "experiments/report/record.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "experiments/expectations/figures.h"

namespace blackstart {
namespace {

struct Words {
    Told operator()(const event::Armed& e) const { return {{}, "", e.fault, "armed on " + e.target + " through " + e.how}; }
    Told operator()(const event::Disarmed& e) const {
        return {{},
                "",
                e.fault,
                fmt::format("restored on {}: {}", e.target, counted(e.tally.hits, "hit")) + (e.tally.lapsed ? ", its lease lapsed" : "")};
    }
    Told operator()(const event::Lost& e) const { return {{}, "", e.fault, "lost on " + e.target + ": " + e.why}; }
    Told operator()(const event::Service& e) const { return {{}, "", e.name, e.what}; }
    Told operator()(const event::Tripped& e) const { return {{}, "", e.probe, "guard tripped: " + e.why}; }
    Told operator()(const event::Unsteady& e) const { return {{}, "", "", "the baseline did not hold: " + e.why}; }
    Told operator()(const event::Interrupted& e) const { return {{}, "", "", fmt::format("interrupted by signal {}", e.signal)}; }
    Told operator()(const event::Restored& e) const {
        std::string left;
        for (const auto& what : e.left) left += (left.empty() ? ": " : ", ") + what;
        return {{}, "", "", e.whole ? "the host is whole" : "the host is not whole" + left};
    }
    Told operator()(const event::Started&) const { return {{}, "", "", "the baseline begins"}; }
    Told operator()(const event::T0&) const { return {{}, "", "", "the baseline is over, faults may act"}; }
    Told operator()(const event::Ended&) const { return {{}, "", "", "the history is complete"}; }
    Told operator()(const auto&) const { return {}; }
};

}  // namespace

std::vector<Told> told(const History& history) {
    std::vector<Told> all;
    for (const Event& event : history.events) {
        Told one = std::visit(Words{}, event.kind);
        if (one.what.empty()) continue;
        one.t = event.t;
        one.kind = std::visit([](const auto& kind) { return std::string(kind.kind); }, event.kind);
        all.push_back(std::move(one));
    }
    std::ranges::stable_sort(all, {}, &Told::t);
    return all;
}

std::vector<std::string> titles(const JudgedRun& run) {
    std::vector<std::string> names;
    std::map<std::string, int> seen;
    for (const Judged& judged : run.verdict.expectations) {
        const auto name = subject(run.experiment.expectations.at(judged.index)) + ", " + judged.finding.limit;
        const int times = ++seen[name];
        names.push_back(times == 1 ? name : fmt::format("{} ({})", name, times));
    }
    return names;
}

Time length(const History& history) {
    Time last{0};
    for (const Event& event : history.events) last = std::max(last, event.t);
    return last;
}

}  // namespace blackstart
