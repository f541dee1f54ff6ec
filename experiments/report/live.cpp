#include "experiments/report/live.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <iostream>

#include "experiments/expectations/figures.h"
#include "experiments/outlook.h"
#include "experiments/report/text.h"

namespace blackstart {
namespace {

constexpr std::size_t kept_latencies = 2048;
constexpr std::int64_t kept_seconds = 600;
constexpr std::size_t widest_name = 32;  // of those that stand in a column
// A look ahead at so many events takes a tenth of a second, and the loop has leases to renew: what is lost by then stays told.
constexpr std::size_t most_events = 50'000;

std::int64_t second_of(Time t) { return std::chrono::floor<std::chrono::seconds>(t).count(); }

std::size_t width(std::string_view text) {
    return static_cast<std::size_t>(std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

// The first `columns` characters; the last is an ellipsis if there was more.
std::string cut(const std::string& text, std::size_t columns) {
    if (width(text) <= columns) return text;
    std::size_t end = 0;
    for (std::size_t n = 0; n + 1 < columns && end < text.size(); n++) do
            end++;
        while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80);
    return text.substr(0, end) + "…";
}

std::string clock(Time left) {
    const auto seconds = std::max<std::int64_t>(0, std::chrono::ceil<std::chrono::seconds>(left).count());
    return fmt::format("{:02}:{:02}", seconds / 60, seconds % 60);
}

std::chrono::nanoseconds p99(std::deque<std::chrono::nanoseconds> latencies) {
    const std::size_t rank = (latencies.size() * 99 + 99) / 100 - 1;
    std::ranges::nth_element(latencies, latencies.begin() + static_cast<std::ptrdiff_t>(rank));
    return latencies[rank];
}

// Three significant figures are enough for a glance.
std::string short_time(std::chrono::nanoseconds time) {
    const double ms = std::chrono::duration<double, std::milli>(time).count();
    return ms < 10 ? fmt::format("{:.2f}ms", ms) : ms < 1000 ? fmt::format("{:.0f}ms", ms) : fmt::format("{:.2f}s", ms / 1000);
}

}  // namespace

Picture::Picture(const Experiment& experiment) : experiment_(experiment), phase_(experiment.lab ? "starting the lab" : "starting") {
    for (const auto& fault : experiment.faults)
        for (const auto& target : targets_of(fault)) {
            faults_[{fault.name, target}];
            name_width_ = std::max(name_width_, width(fault.name + " on " + target));
        }
    for (const auto& probe : experiment.probes) name_width_ = std::max(name_width_, width(probe.name));
    name_width_ = std::min(name_width_, widest_name);
}

void Picture::observed(Time t, const event::Observed& seen) {
    auto& probe = probes_[seen.probe];
    auto& second = probe.seconds[second_of(t)];
    probe.all++;
    second.all++;
    while (probe.seconds.begin()->first < second_of(t) - kept_seconds) probe.seconds.erase(probe.seconds.begin());
    if (!seen.ok) return;
    probe.ok++;
    second.ok++;
    second.latency += seen.latency;
    probe.latencies.push_back(seen.latency);
    if (probe.latencies.size() > kept_latencies) probe.latencies.pop_front();
}

void Picture::seen(const Event& event) {
    if (history_.events.size() <= most_events) history_.events.push_back(event);
    if (const auto* one = std::get_if<event::Observed>(&event.kind)) return observed(event.t, *one);
    if (std::holds_alternative<event::Started>(event.kind)) {
        started_ = event.t;
        phase_ = "baseline";
    } else if (std::holds_alternative<event::T0>(event.kind)) {
        t0_ = event.t;
        phase_ = "observing";
        for (auto& [name, probe] : probes_) {  // what is shown from here on is what will be judged
            probe.ok = probe.all = 0;
            probe.latencies.clear();
        }
    } else if (const auto* armed = std::get_if<event::Armed>(&event.kind)) {
        faults_[{armed->fault, armed->target}].armed = true;
    } else if (const auto* over = std::get_if<event::Disarmed>(&event.kind)) {
        faults_[{over->fault, over->target}] = {true, true, over->tally.hits, over->tally.lapsed ? "its lease lapsed" : ""};
    } else if (const auto* lost = std::get_if<event::Lost>(&event.kind)) {
        faults_[{lost->fault, lost->target}] = {false, true, 0, lost->why};
    } else if (std::holds_alternative<event::Tripped>(event.kind) || std::holds_alternative<event::Unsteady>(event.kind) ||
               std::holds_alternative<event::Interrupted>(event.kind)) {
        phase_ = "ended early, restoring";
    } else if (const auto* restored = std::get_if<event::Restored>(&event.kind)) {
        phase_ = restored->whole ? "restored, the host is whole" : "THE HOST IS NOT WHOLE";
    }
}

void Picture::acting(const std::vector<Acting>& acting) {
    for (const auto& one : acting) faults_[{one.fault, one.target}].hits = one.hits;
}

void Picture::look_ahead(Time now) {
    if (history_.events.size() <= most_events) lost_ = lost_expectations(experiment_, history_, now);
}

std::string Picture::head(Time now) const {
    std::string text = experiment_.name + "  " + phase_;
    if (phase_ == "baseline") text += "  " + clock(*started_ + experiment_.baseline - now) + " to t0";
    if (phase_ == "observing") text += "  " + clock(*t0_ + experiment_.duration - now) + " left";
    return text;
}

std::vector<std::string> Picture::faults(Time now) const {
    std::vector<std::string> lines;
    for (const auto& fault : experiment_.faults) {
        for (const auto& target : targets_of(fault)) {
            const State& state = faults_.at({fault.name, target});
            std::string what = "planned";
            if (state.over) {
                what = state.what.empty() ? "restored" : state.what;
            } else if (state.armed && t0_) {
                what = "IN FORCE  " + clock(*t0_ + fault.at + fault.terms.duration - now);
            } else if (t0_) {
                what = "in " + clock(*t0_ + fault.at - now);
            }
            lines.push_back(fmt::format("fault  {:<{}}  {:<16}  {}", fault.name + " on " + target, name_width_, harmless(what),
                                        counted(state.hits, "hit")));
        }
    }
    return lines;
}

// Mean latency second by second, the worst of them full height; × where most of a second failed, a blank where nothing was seen.
std::string Picture::probe(const Probe& probe, Time now, std::size_t columns) const {
    static constexpr std::array<const char*, 8> bars{"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    const auto found = probes_.find(probe.name);
    if (found == probes_.end() || found->second.all == 0) return fmt::format("probe  {:<{}}  nothing seen yet", probe.name, name_width_);
    const Seen& seen = found->second;
    std::string text = fmt::format("probe  {:<{}}  {:>7} of {:<5}  p99 {:<6}", probe.name, name_width_, percent(seen.ok, seen.all),
                                   seen.all, seen.latencies.empty() ? "–" : short_time(p99(seen.latencies)));
    const std::size_t taken = width(text) + 2;
    if (taken + 8 > columns) return text;
    const auto room = static_cast<std::int64_t>(std::min<std::size_t>(columns - taken, 30));
    const auto mean = [](const Second& s) { return s.ok == 0 ? 0.0 : static_cast<double>(s.latency.count()) / static_cast<double>(s.ok); };
    double worst = 0;
    for (const auto& [at, second] : seen.seconds)
        if (at > second_of(now) - room) worst = std::max(worst, mean(second));
    text += "  ";
    for (std::int64_t at = second_of(now) - room + 1; at <= second_of(now); at++) {
        const auto second = seen.seconds.find(at);
        if (second == seen.seconds.end()) {
            text += ' ';
        } else if (second->second.ok * 2 < second->second.all) {
            text += "×";
        } else {
            text += bars[static_cast<std::size_t>(worst > 0 ? mean(second->second) / worst * 7.99 : 0)];
        }
    }
    return text;
}

std::string Picture::guard(const Guard& guard, Time now) const {
    std::size_t ok = 0, all = 0;
    if (const auto found = probes_.find(guard.probe); found != probes_.end() && t0_) {
        const Time from = std::max(*t0_, now - guard.over);
        for (const auto& [at, second] : found->second.seconds)
            if (at >= second_of(from)) ok += second.ok, all += second.all;
    }
    return fmt::format("guard  {} of {} over {:g}s  {}", guard.text, guard.probe, std::chrono::duration<double>(guard.over).count(),
                       all == 0 ? "not yet" : "now " + percent(ok, all));
}

std::vector<std::string> Picture::lines(Time now, std::size_t columns, std::size_t rows, bool colour) const {
    std::vector<std::string> all{head(now)};
    const auto loud = [&](const std::string& text, const char* code) {
        const auto short_text = cut(text, columns);
        return colour ? fmt::format("\x1b[{}m{}\x1b[0m", code, short_text) : short_text;
    };
    for (auto& line : faults(now)) all.push_back(std::move(line));
    const std::size_t whole = all.size() + experiment_.probes.size() + experiment_.guards.size();  // of which only some may fit
    for (const auto& one : experiment_.probes)
        if (all.size() < rows) all.push_back(probe(one, now, columns));
    for (const auto& one : experiment_.guards)
        if (all.size() < rows) all.push_back(guard(one, now));
    for (auto& line : all) line = cut(line, columns);
    all.front() = loud(all.front(), "1");
    std::vector<std::string> lost;
    for (const auto index : lost_)
        lost.push_back(loud("lost   " + subject(experiment_.expectations[index]) + " cannot be met any more", "31"));
    const std::size_t room = std::max<std::size_t>(rows, 3) - 1 - std::min<std::size_t>(lost.size(), rows / 3);
    if (whole > room) {
        const auto more = whole - room + 1;
        all.resize(room - 1);
        all.push_back(cut(fmt::format("       and {} more", more), columns));
    }
    lost.resize(std::min<std::size_t>(lost.size(), rows / 3));
    all.insert(all.end(), lost.begin(), lost.end());
    return all;
}

// ---- the terminal ---------------------------------------------------------------------------------------------------------------

Screen::Size Screen::size() const {
    winsize size{};
    if (::ioctl(fd_, TIOCGWINSZ, &size) != 0 || size.ws_col < 20 || size.ws_row < 4) return {};
    return {size.ws_col, size.ws_row};
}

void Screen::draw(const std::vector<std::string>& lines, const std::string& above) {
    // CSI H and 2J: home and clear; CSI nF: up n lines, to the first column; K: clear to the end of the line; J: of the screen (ECMA-48).
    std::string out;
    if (drawn_ > 0 && widest_ > size().columns)
        out = "\x1b[H\x1b[2J";
    else if (drawn_ > 0)
        out = fmt::format("\x1b[{}F", drawn_);
    if (!above.empty()) out += above + "\x1b[K\n";
    widest_ = 0;
    for (const auto& line : lines) {
        out += line + "\x1b[K\n";
        const bool painted = line.starts_with('\x1b');  // as a whole: its two sequences take no room
        widest_ = std::max(widest_, painted ? width(line) - line.find('m') - sizeof "\x1b[0m" : width(line));
    }
    out += "\x1b[J";
    drawn_ = lines.size();
    for (std::string_view rest = out; !rest.empty();) {
        const auto n = ::write(fd_, rest.data(), rest.size());
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return;
        rest.remove_prefix(static_cast<std::size_t>(n));
    }
}

// ---- the followers --------------------------------------------------------------------------------------------------------------

Live::Live(const Experiment& experiment, int fd, bool colour) : picture_(experiment), screen_(fd), colour_(colour) {}

Live::~Live() { screen_.draw(now()); }

std::vector<std::string> Live::now() const {
    const auto [columns, rows] = screen_.size();
    return picture_.lines(last_, columns - 1, rows - 1, colour_);
}

void Live::seen(const Event& event) {
    picture_.seen(event);
    if (!std::holds_alternative<event::Observed>(event.kind)) last_ = std::max(last_, event.t);
}

void Live::tick(Time time, const std::vector<Acting>& acting) {
    last_ = time;
    picture_.acting(acting);
    const auto begin = std::chrono::steady_clock::now();
    if (begin >= look_again_) {  // a look takes a fiftieth of the time at most: the loop has leases to renew
        picture_.look_ahead(time);
        const auto end = std::chrono::steady_clock::now();
        look_again_ = end + std::max<std::chrono::nanoseconds>(std::chrono::seconds(1), (end - begin) * 50);
    }
    screen_.draw(now());
}

void Live::line(const std::string& text) { screen_.draw(now(), cut(harmless(text), screen_.size().columns - 1)); }

void Plain::line(const std::string& text) { std::cerr << text << std::endl; }

}  // namespace blackstart
