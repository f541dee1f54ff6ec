#include "experiments/report/otlp.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "experiments/clock.h"

namespace blackstart {
namespace {

using Json = nlohmann::ordered_json;

// FNV-1a, 64 bit: ids that are the same each time, not secrets.
std::uint64_t hash(const std::string& text) {
    std::uint64_t value = 0xcbf29ce484222325U;
    for (const char c : text) value = (value ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
    return value;
}

Json attribute(const char* key, const std::string& value) { return {{"key", key}, {"value", {{"stringValue", value}}}}; }
Json attribute(const char* key, std::uint64_t value) { return {{"key", key}, {"value", {{"intValue", std::to_string(value)}}}}; }
Json attribute(const char* key, bool value) { return {{"key", key}, {"value", {{"boolValue", value}}}}; }

class Trace {
public:
    explicit Trace(const JudgedRun& run)
        : identity_(fmt::format("{} {} {}", run.experiment.name, run.history.origin, run.history.seed)),
          trace_(fmt::format("{:016x}{:016x}", hash(identity_), hash(identity_ + "'"))),
          origin_(epoch_ns(run.history.origin)) {}

    Json& span(const std::string& name, const std::string& parent, Time from, Time to) {
        spans_.push_back({{"traceId", trace_}, {"spanId", id(name)}, {"parentSpanId", parent.empty() ? "" : id(parent)}, {"name", name}});
        Json& made = spans_.back();
        made["kind"] = 1;  // SPAN_KIND_INTERNAL
        made["startTimeUnixNano"] = std::to_string(origin_ + from.count());
        made["endTimeUnixNano"] = std::to_string(origin_ + to.count());
        made["attributes"] = Json::array();
        return made;
    }
    [[nodiscard]] std::string id(const std::string& name) const { return fmt::format("{:016x}", hash(identity_ + "/" + name)); }
    [[nodiscard]] std::string at(Time t) const { return std::to_string(origin_ + t.count()); }
    [[nodiscard]] const Json& spans() const { return spans_; }

private:
    std::string identity_, trace_;
    std::int64_t origin_;
    Json spans_ = Json::array();
};

void add_faults(Trace& trace, const JudgedRun& run, const std::string& root) {
    for (const Act& act : acts(run.history)) {
        if (act.over == nullptr) continue;
        Json& span = trace.span("fault " + act.fault + " on " + act.target, root, act.from, act.to);
        span["attributes"] = {attribute("blackstart.fault", act.fault), attribute("blackstart.target", act.target),
                              attribute("blackstart.hits", act.over->tally.hits), attribute("blackstart.lapsed", act.over->tally.lapsed)};
    }
}

}  // namespace

std::string to_otlp(const JudgedRun& run) {
    Trace trace(run);
    const std::string root = "run " + run.experiment.name;
    const Time end = length(run.history);
    Json& whole = trace.span(root, "", Time(0), end);
    whole["attributes"] = {attribute("blackstart.verdict", to_string(run.verdict.verdict)),
                           attribute("blackstart.exit_code", static_cast<std::uint64_t>(run.verdict.exit_code)),
                           attribute("blackstart.restored", run.verdict.restored), attribute("blackstart.seed", run.history.seed)};
    whole["events"] = Json::array();
    for (const Told& one : told(run.history))
        whole["events"].push_back({{"timeUnixNano", trace.at(one.t)},
                                   {"name", one.kind},
                                   {"attributes", {attribute("blackstart.about", one.about), attribute("blackstart.what", one.what)}}});
    whole["status"] = {{"code", run.verdict.exit_code == 0 ? 1 : 2}, {"message", run.verdict.reason}};  // STATUS_CODE_OK, _ERROR
    const auto zero = t0(run.history);
    for (const Event& event : run.history.events)
        if (std::holds_alternative<event::Started>(event.kind)) trace.span("baseline", root, event.t, zero.value_or(end));
    if (zero) trace.span("observation", root, *zero, end);
    add_faults(trace, run, root);
    Json json;
    json["resourceSpans"] = {
        {{"resource",
          {{"attributes", {attribute("service.name", std::string("blackstart")), attribute("service.version", run.history.version)}}}},
         {"scopeSpans", {{{"scope", {{"name", "blackstart"}}}, {"spans", trace.spans()}}}}}};
    return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace blackstart
