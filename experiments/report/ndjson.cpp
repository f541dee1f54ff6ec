#include "experiments/report/ndjson.h"

#include <nlohmann/json.hpp>

#include "experiments/report/json.h"

namespace blackstart {

std::string to_ndjson(const JudgedRun& run) {
    using Json = nlohmann::ordered_json;
    std::string text;
    const auto line = [&](const Json& json) { text += json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n"; };
    Json verdict = verdict_json(run.experiment, run.verdict);
    const Json faults = verdict["faults"], expectations = verdict["expectations"];
    verdict.erase("faults");
    verdict.erase("expectations");
    Json head{{"format", "blackstart-report/1.0"}, {"kind", "run"}};
    for (const auto& [key, value] : verdict.items())
        if (key != "format") head[key] = value;
    head["seed"] = run.history.seed;
    head["origin"] = run.history.origin;
    head["version"] = run.history.version;
    line(head);
    const auto all = [&](const char* kind, const Json& list) {
        for (const auto& one : list) {
            Json json{{"kind", kind}};
            json.update(one);
            line(json);
        }
    };
    all("fault", faults);
    all("expectation", expectations);
    for (const Told& one : told(run.history))
        line({{"kind", "event"}, {"t", one.t.count()}, {"event", one.kind}, {"about", one.about}, {"what", one.what}});
    return text;
}

}  // namespace blackstart
