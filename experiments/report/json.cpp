#include "experiments/report/json.h"

#include <nlohmann/json.hpp>

namespace blackstart {
namespace {

using Json = nlohmann::ordered_json;

Json to_json(const Proof& proof) {
    Json json{{"name", proof.fault}, {"target", proof.target}, {"hits", proof.hits}, {"own_probe_hits", nullptr}};
    if (proof.own_probe_hits) json["own_probe_hits"] = *proof.own_probe_hits;
    json["proved"] = proof.proved;
    json["why"] = proof.why;
    return json;
}

Json to_json(const Experiment& experiment, const Judged& judged) {
    const Finding& finding = judged.finding;
    Json json{{"index", judged.index}, {"probe", judged.probe}, {"condition", judged.condition}};
    if (const auto meter = blackstart::meter(experiment.expectations.at(judged.index)); !meter.empty()) json["meter"] = meter;
    json["during"] = experiment.expectations.at(judged.index).during;
    json["outcome"] = to_string(finding.outcome);
    json["observed"] = finding.observed;
    json["limit"] = finding.limit;
    json["samples"] = finding.samples;
    json["at"] = nullptr;
    if (finding.at) json["at"] = std::chrono::duration<double>(*finding.at).count();
    json["why"] = finding.why;
    json["explanation"] = judged.explanation;
    return json;
}

}  // namespace

Json verdict_json(const Experiment& experiment, const Verdict& verdict) {
    Json json{{"format", "blackstart-verdict/1.0"}, {"experiment", experiment.name}};
    json["verdict"] = to_string(verdict.verdict);
    json["exit_code"] = verdict.exit_code;
    json["reason"] = verdict.reason;
    json["restored"] = verdict.restored;
    json["baseline"] = verdict.baseline;
    json["baseline_why"] = verdict.baseline_why;
    json["faults"] = Json::array();
    for (const Proof& proof : verdict.faults) json["faults"].push_back(to_json(proof));
    json["expectations"] = Json::array();
    for (const Judged& judged : verdict.expectations) json["expectations"].push_back(to_json(experiment, judged));
    return json;
}

std::string to_json(const Experiment& experiment, const Verdict& verdict) {
    return verdict_json(experiment, verdict).dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace blackstart
