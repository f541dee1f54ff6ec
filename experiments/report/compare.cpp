#include "experiments/report/compare.h"

#include <fmt/format.h>

#include <map>

namespace blackstart {
namespace {

using Rows = std::map<std::string, std::string>;

Rows rows(const JudgedRun& run) {
    Rows found;
    found["verdict"] = to_string(run.verdict.verdict);
    found["baseline held"] = run.verdict.baseline ? "yes" : "no";
    found["host restored"] = run.verdict.restored ? "yes" : "no";
    found["seed"] = std::to_string(run.history.seed);
    const auto names = titles(run);
    for (std::size_t i = 0; i < names.size(); i++) {
        const Finding& finding = run.verdict.expectations[i].finding;
        found[names[i]] =
            fmt::format("{}: {}", to_string(finding.outcome), finding.observed.empty() ? "nothing observed" : finding.observed);
    }
    for (const Proof& proof : run.verdict.faults)
        found[fmt::format("fault {} on {}", proof.fault, proof.target)] =
            fmt::format("{} hits{}", proof.hits, proof.proved ? "" : ", not proved");
    return found;
}

}  // namespace

std::string compare(const JudgedRun& before, const JudgedRun& after) {
    Rows old = rows(before), now = rows(after);
    std::string text = fmt::format("{} ({}) -> {} ({})\n", before.experiment.name, before.history.origin.substr(0, 19),
                                   after.experiment.name, after.history.origin.substr(0, 19));
    std::size_t same = 0;
    const auto told = [&](const std::string& name) {
        const auto was = old.contains(name) ? old[name] : "not there", is = now.contains(name) ? now[name] : "not there";
        if (was == is) {
            same++;
        } else {
            text += fmt::format("  {}\n    {} -> {}\n", name, was, is);
        }
    };
    for (const auto& [name, what] : Rows(old)) told(name);
    for (const auto& [name, what] : Rows(now))
        if (!old.contains(name)) told(name);
    return text + fmt::format("  {} alike\n", same);
}

}  // namespace blackstart
