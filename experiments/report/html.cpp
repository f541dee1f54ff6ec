#include "experiments/report/html.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <string_view>
#include <vector>

#include "experiments/report/html/assets.h"
#include "experiments/report/json.h"
#include "experiments/report/record.h"
#include "experiments/report/words.h"

namespace blackstart {
namespace {

using Json = nlohmann::ordered_json;

double seconds(Time t) { return std::chrono::duration<double>(t).count(); }

struct Column {  // of one probe, as the page draws it; latency in ms
    std::vector<const Event*> events;
    bool has_values = false;
};

Json value_of(const Value& value) {
    if (const auto* number = std::get_if<double>(&value)) return *number;
    if (const auto* text = std::get_if<std::string>(&value)) return *text;
    std::string set;
    for (const auto& one : std::get<std::vector<std::string>>(value)) set += (set.empty() ? "" : " ") + one;
    return set;
}

// Reasons are many times the same: numbered, in the order in which they come.
class Reasons {
public:
    std::size_t number(const std::string& why) { return numbers_.try_emplace(why, numbers_.size()).first->second; }
    [[nodiscard]] Json list() const {
        std::vector<std::string> all(numbers_.size());
        for (const auto& [why, number] : numbers_) all[number] = why;
        return all;
    }

private:
    std::map<std::string, std::size_t> numbers_;
};

Json probes(const JudgedRun& run, Reasons& reasons) {
    std::map<std::string, Column> columns;
    for (const Event& event : run.history.events) {
        const auto* seen = std::get_if<event::Observed>(&event.kind);
        if (seen == nullptr) continue;
        auto& column = columns[seen->probe];
        column.events.push_back(&event);
        column.has_values = column.has_values || seen->value.has_value();
    }
    Json list = Json::array();
    for (const Probe& probe : run.experiment.probes) {
        auto& column = columns[probe.name];
        std::ranges::stable_sort(column.events, {}, [](const Event* e) { return e->t; });
        Json t = Json::array(), latency = Json::array(), why = Json::array(), values = Json::array();
        std::string ok;
        for (const Event* event : column.events) {
            const auto& seen = std::get<event::Observed>(event->kind);
            t.push_back(std::round(seconds(event->t) * 1e6) / 1e6);
            latency.push_back(std::round(seconds(seen.latency) * 1e6) / 1e3);
            ok += seen.ok ? '1' : '0';
            why.push_back(reasons.number(seen.why));
            if (column.has_values) values.push_back(seen.value ? value_of(*seen.value) : Json(nullptr));
        }
        list.push_back({{"name", probe.name},
                        {"t", t},
                        {"ok", ok},
                        {"latency", latency},
                        {"why", why},
                        {"values", column.has_values ? values : Json(nullptr)}});
    }
    return list;
}

Json bands(const History& history) {
    Json list = Json::array();
    for (const Act& act : acts(history))
        list.push_back({{"fault", act.fault}, {"target", act.target}, {"from", seconds(act.from)}, {"to", seconds(act.to)}});
    return list;
}

// Events a second, at the time from which each was counted.
Json meters(const JudgedRun& run) {
    Json list = Json::array();
    for (const PlannedMeter& meter : run.experiment.meters) {
        std::vector<std::pair<Time, double>> counted;
        for (const Event& event : run.history.events) {
            const auto* one = std::get_if<event::Counted>(&event.kind);
            if (one != nullptr && one->meter == meter.name && one->length.count() > 0)
                counted.emplace_back(event.t, static_cast<double>(one->count) / seconds(one->length));
        }
        std::ranges::stable_sort(counted, {}, &std::pair<Time, double>::first);
        Json t = Json::array(), rate = Json::array();
        for (const auto& [at, value] : counted) {
            t.push_back(seconds(at));
            rate.push_back(std::round(value * 1e3) / 1e3);
        }
        list.push_back({{"name", meter.name}, {"counts", in_words(meter.plan)}, {"t", t}, {"rate", rate}});
    }
    return list;
}

Json data_of(const JudgedRun& run) {
    Json data{{"verdict", verdict_json(run.experiment, run.verdict)}, {"title", run.experiment.title}};
    data["seed"] = std::to_string(run.history.seed);  // beyond what a double holds
    data["origin"] = run.history.origin;
    data["version"] = run.history.version;
    data["titles"] = titles(run);
    data["length"] = seconds(length(run.history));
    data["t0"] = seconds(t0(run.history).value_or(Time(0)));
    data["events"] = Json::array();
    for (const Told& one : told(run.history))
        data["events"].push_back({{"t", seconds(one.t)}, {"kind", one.kind}, {"about", one.about}, {"what", one.what}});
    data["bands"] = bands(run.history);
    data["meters"] = meters(run);
    Reasons reasons;
    data["probes"] = probes(run, reasons);
    data["whys"] = reasons.list();
    return data;
}

// Inside a script element only "</" and "<!--" could end or change it (HTML, 4.12.1.3): no < is left.
std::string for_script(const Json& json) {
    std::string text = json.dump(-1, ' ', true, Json::error_handler_t::replace), safe;
    for (const char c : text) {
        if (c == '<') {
            safe += "\\u003c";
        } else {
            safe += c;
        }
    }
    return safe;
}

}  // namespace

std::string to_html(const JudgedRun& run) {
    const std::map<std::string_view, std::string> parts{{"UPLOT_CSS", std::string(asset::uplot_css())},
                                                        {"UPLOT_JS", std::string(asset::uplot_js())},
                                                        {"PAGE_CSS", std::string(asset::page_css())},
                                                        {"PAGE_JS", std::string(asset::page_js())},
                                                        {"DATA", for_script(data_of(run))}};
    std::string page;
    std::string_view rest = asset::page_html();
    for (std::size_t at = rest.find("@@"); at != std::string_view::npos; at = rest.find("@@")) {
        page += rest.substr(0, at);
        const std::size_t end = rest.find("@@", at + 2);
        page += parts.at(rest.substr(at + 2, end - at - 2));
        rest.remove_prefix(end + 2);
    }
    return page.append(rest);
}

}  // namespace blackstart
