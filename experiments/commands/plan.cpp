#include <filesystem>
#include <iostream>

#include "experiments/clock.h"
#include "experiments/commands/commands.h"
#include "experiments/drills.h"
#include "experiments/parse.h"
#include "experiments/report/plan.h"

namespace blackstart {
namespace {

int plan_one(const std::filesystem::path& file, bool json) {
    auto text = read_file(file);
    auto [experiment, errors, warnings] = parse(text, file.string());
    for (const auto& diagnostic : errors) std::cerr << to_string(diagnostic) << '\n';
    if (!errors.empty()) return 2;
    for (const auto& diagnostic : warnings) std::cerr << to_string(diagnostic) << '\n';
    const auto seed = experiment.seed ? *experiment.seed : draw_seed();
    const Plan plan(std::filesystem::absolute(file).lexically_normal().string(), std::move(text), seed, std::move(experiment));
    std::cout << (json ? to_json(plan) : to_text(plan));
    if (!plan.obstacles.empty()) return 4;
    for (const auto& placed : plan.faults)
        if (!placed.refusal.empty()) return 4;
    return 0;
}

}  // namespace

int plan(const std::string& file, bool json) {
    const auto drill = find_drill(file);
    if (!drill) {
        refuse_unknown_drill(file);
        return plan_one(file, json);
    }
    const int weak = plan_one(*drill / "weak.toml", json);
    const int hardened = plan_one(*drill / "hardened.toml", json);
    return std::max(weak, hardened);
}

}  // namespace blackstart
