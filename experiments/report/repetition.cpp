#include "experiments/report/repetition.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "experiments/expectations/figures.h"
#include "experiments/expectations/wilson.h"
#include "experiments/report/text.h"

namespace blackstart {
namespace {

using Json = nlohmann::ordered_json;

std::size_t count(const Repetition& repetition, Outcome outcome) {
    return static_cast<std::size_t>(std::ranges::count(repetition.runs, outcome, &RunOfMany::verdict));
}

}  // namespace

std::string to_line(const RunOfMany& run) {
    return harmless(fmt::format("{}  {:<12}  seed {}: {}", run.folder, to_string(run.verdict), run.seed, run.reason)) + "\n";
}

std::string to_text(const Repetition& repetition) {
    const std::size_t n = repetition.runs.size(), held = count(repetition, Outcome::held);
    if (n == 0) return "no run was made\n";
    const Interval interval = wilson(held, n);
    std::string text = fmt::format("{}: {} of {} runs held, {} ({} to {}); {} deviated, {} inconclusive\n", repetition.experiment, held, n,
                                   percent(held, n), percent_down(interval.low), percent_up(interval.high),
                                   count(repetition, Outcome::deviated), count(repetition, Outcome::inconclusive));
    for (const RunOfMany& run : repetition.runs)
        if (run.verdict == Outcome::deviated) text += fmt::format("deviated under --seed {}: {}\n", run.seed, run.folder);
    return text;
}

std::string to_json(const Repetition& repetition) {
    const std::size_t n = repetition.runs.size(), held = count(repetition, Outcome::held);
    const Interval interval = n == 0 ? Interval{} : wilson(held, n);
    Json json{{"format", "blackstart-repeat/1.0"}, {"experiment", repetition.experiment}, {"seed", repetition.seed}};
    const int code = exit_code(repetition);
    json["verdict"] = to_string(code == 0 ? Outcome::held : code == 1 ? Outcome::deviated : Outcome::inconclusive);
    json["exit_code"] = code;
    json["reason"] = fmt::format("{} of {} runs held", held, n);
    json["planned"] = repetition.planned;
    json["runs"] = n;
    for (const Outcome outcome : {Outcome::held, Outcome::deviated, Outcome::inconclusive})
        json[to_string(outcome)] = count(repetition, outcome);
    json["share_held"] = {{"low", interval.low}, {"high", interval.high}};
    json["deviated_seeds"] = Json::array();
    json["each"] = Json::array();
    for (const RunOfMany& run : repetition.runs) {
        if (run.verdict == Outcome::deviated) json["deviated_seeds"].push_back(run.seed);
        json["each"].push_back({{"folder", run.folder},
                                {"seed", run.seed},
                                {"verdict", to_string(run.verdict)},
                                {"exit_code", run.exit_code},
                                {"reason", run.reason}});
    }
    return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace blackstart
