#include "experiments/report/record.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
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

std::int64_t epoch_ns(const std::string& origin) {
    int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
    char fraction[10] = "";
    if (std::sscanf(origin.c_str(), "%4d-%2d-%2dT%2d:%2d:%2d.%9[0-9]", &year, &month, &day, &hour, &minute, &second, fraction) < 6)
        return 0;
    const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                           std::chrono::day(static_cast<unsigned>(day))};
    if (!date.ok()) return 0;
    std::string digits = fraction;
    digits.resize(9, '0');
    const auto time = std::chrono::sys_days(date).time_since_epoch() + std::chrono::hours(hour) + std::chrono::minutes(minute) +
                      std::chrono::seconds(second) + std::chrono::nanoseconds(std::stoll(digits));
    return std::chrono::nanoseconds(time).count();
}

std::string rfc3339(std::int64_t epoch_ns) {
    const auto time = std::chrono::sys_time<std::chrono::nanoseconds>(std::chrono::nanoseconds(epoch_ns));
    const auto day = std::chrono::floor<std::chrono::days>(time);
    const std::chrono::year_month_day date(day);
    const std::chrono::hh_mm_ss clock(time - day);
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:09}Z", static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                       static_cast<unsigned>(date.day()), clock.hours().count(), clock.minutes().count(), clock.seconds().count(),
                       clock.subseconds().count());
}

}  // namespace blackstart
