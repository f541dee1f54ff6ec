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
    Told operator()(const event::Observed&) const { return {}; }
    Told operator()(const event::Counted&) const { return {}; }  // told by meter, below
};

struct Counting {  // of one meter, before t0 or from then on
    Time begin{0}, end{0};
    std::uint64_t all = 0, highest = 0;
};

void tell_meters(const History& history, std::vector<Told>& all) {
    const auto zero = t0(history);
    std::map<std::pair<std::string, bool>, Counting> meters;
    for (const Event& event : history.events) {
        const auto* counted = std::get_if<event::Counted>(&event.kind);
        if (counted == nullptr) continue;
        const bool after = zero && event.t >= *zero;
        auto [at, fresh] = meters.try_emplace({counted->meter, after}, Counting{event.t, event.t, 0, 0});
        Counting& counting = at->second;
        counting.begin = std::min(counting.begin, event.t);
        counting.end = std::max(counting.end, event.t + counted->length);
        counting.all += counted->count;
        counting.highest = std::max(counting.highest, counted->count);
    }
    for (const auto& [key, counting] : meters) {
        const double seconds = std::chrono::duration<double>(counting.end - counting.begin).count();
        all.push_back({counting.end, event::Counted::kind, key.first,
                       fmt::format("{}: {} in {:.1f}s, {} in the highest second", key.second ? "from t0 on" : "in the baseline",
                                   counting.all, seconds, counting.highest)});
    }
}

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
    tell_meters(history, all);
    std::ranges::stable_sort(all, {}, &Told::t);
    return all;
}

std::vector<Act> acts(const History& history) {
    std::map<std::pair<std::string, std::string>, Time> armed;
    std::vector<Act> all;
    for (const Event& event : history.events) {
        if (const auto* begin = std::get_if<event::Armed>(&event.kind)) armed[{begin->fault, begin->target}] = event.t;
        const auto* end = std::get_if<event::Disarmed>(&event.kind);
        const auto begun = end == nullptr ? armed.end() : armed.find({end->fault, end->target});
        if (begun == armed.end()) continue;
        all.push_back({end->fault, end->target, begun->second, event.t, end});
        armed.erase(begun);
    }
    for (const auto& [key, from] : armed) all.push_back({key.first, key.second, from, length(history), nullptr});
    return all;
}

std::optional<Time> t0(const History& history) {
    for (const Event& event : history.events)
        if (std::holds_alternative<event::T0>(event.kind)) return event.t;
    return std::nullopt;
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
