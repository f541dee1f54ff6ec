#include "experiments/report/chaostoolkit.h"

#include <nlohmann/json.hpp>

#include "experiments/clock.h"
#include "experiments/report/text.h"

namespace blackstart {
namespace {

using Json = nlohmann::ordered_json;

Json activities(const JudgedRun& run) {
    Json list = Json::array();
    const auto origin = epoch_ns(run.history.origin);
    for (const Told& one : told(run.history)) {
        if (one.kind != "armed" && one.kind != "disarmed" && one.kind != "lost") continue;
        list.push_back(
            {{"activity", {{"type", "action"}, {"name", one.about}, {"provider", {{"type", "process"}, {"path", "blackstart"}}}}},
             {"output", one.what},
             {"status", one.kind == "lost" ? "failed" : "succeeded"},
             {"start", rfc3339(origin + one.t.count())},
             {"end", rfc3339(origin + one.t.count())},
             {"duration", 0}});
    }
    return list;
}

Json hypothesis(const JudgedRun& run) {
    Json probes = Json::array();
    const auto names = titles(run);
    for (std::size_t i = 0; i < names.size(); i++) {
        const Finding& finding = run.verdict.expectations[i].finding;
        probes.push_back({{"activity", {{"type", "probe"}, {"name", names[i]}}},
                          {"output", finding.observed},
                          {"status", "succeeded"},
                          {"tolerance_met", finding.outcome == Outcome::held}});
    }
    return {{"steady_state_met", run.verdict.exit_code == 0}, {"probes", probes}};
}

}  // namespace

std::string to_chaostoolkit(const JudgedRun& run) {
    const auto origin = epoch_ns(run.history.origin);
    const int code = run.verdict.exit_code;
    Json json{{"chaoslib-version", "1"}, {"platform", "Linux"}, {"node", "localhost"}};
    json["experiment"] = {{"title", run.experiment.title.empty() ? run.experiment.name : run.experiment.title},
                          {"description", run.experiment.name},
                          {"tags", {"blackstart"}},
                          {"method", Json::array()},
                          {"rollbacks", Json::array()}};
    json["start"] = rfc3339(origin);
    json["end"] = rfc3339(origin + length(run.history).count());
    json["duration"] = std::chrono::duration<double>(length(run.history)).count();
    json["status"] = code == 0 ? "completed" : code == 130 || code == 143 ? "interrupted" : code == 1 ? "failed" : "aborted";
    json["deviated"] = code == 1;
    json["steady_states"] = {{"before", {{"steady_state_met", run.verdict.baseline}, {"probes", Json::array()}}},
                             {"after", hypothesis(run)},
                             {"during", Json::array()}};
    json["run"] = activities(run);
    json["rollbacks"] = Json::array();
    json["blackstart"] = {{"verdict", to_string(run.verdict.verdict)},
                          {"reason", run.verdict.reason},
                          {"exit_code", code},
                          {"restored", run.verdict.restored}};
    return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace blackstart
