#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>

#include "experiments/clock.h"
#include "experiments/commands/commands.h"
#include "experiments/drills.h"
#include "experiments/parse.h"
#include "experiments/repetition.h"
#include "experiments/report/json.h"
#include "experiments/report/repetition.h"
#include "experiments/report/text.h"
#include "experiments/run.h"
#include "experiments/run_folder.h"
#include "experiments/seeds.h"
#include "injector/kernel/error.h"

namespace blackstart {
namespace {

namespace fs = std::filesystem;

// /var/lib/blackstart for root, else below XDG_STATE_HOME (XDG Base Directory Specification).
fs::path state_directory() {
    if (::geteuid() == 0) return "/var/lib/blackstart";
    if (const char* state = std::getenv("XDG_STATE_HOME"); state != nullptr && *state != '\0') return fs::path(state) / "blackstart";
    const char* home = std::getenv("HOME");
    return fs::path(home != nullptr ? home : "/tmp") / ".local/state/blackstart";
}

Experiment read_experiment(const std::string& text, const fs::path& file) {
    auto [experiment, errors, warnings] = parse(text, file.string());
    for (const auto& diagnostic : errors) std::cerr << to_string(diagnostic) << '\n';
    if (!errors.empty()) throw Misuse(std::to_string(errors.size()) + (errors.size() == 1 ? " error in " : " errors in ") + file.string());
    for (const auto& diagnostic : warnings) std::cerr << to_string(diagnostic) << '\n';
    return experiment;
}

struct Done {
    JudgedRun judged;
    int exit_code = 0;
};

// One run folder, one verdict, which is judged from the folder alone, as `judge` does.
Done run_once(Experiment experiment, const std::string& text, const fs::path& file, const fs::path& folder, std::uint64_t seed) {
    seed_faults(experiment, seed);
    const auto left = run(experiment, text, {fs::absolute(file), folder, [](const std::string& line) { std::cerr << line << std::endl; }});
    for (const auto& what : left) std::cerr << "blackstart: not restored: " << what << '\n';
    std::cerr << "run folder: " << folder.string() << '\n';
    auto judged = judge_folder(folder);
    if (const auto why = write_verdict(folder, to_json(judged.experiment, judged.verdict)); !why.empty())
        std::cerr << "blackstart: verdict.json: " << why << '\n';
    const int exit_code = left.empty() ? judged.verdict.exit_code : 5;  // also where a full disk kept it out of the history
    return {std::move(judged), exit_code};
}

// Runs it again and again, in folders 001, 002 … below `folder`; what cuts one run short ends them all.
int run_repeatedly(const Experiment& experiment, const std::string& text, const fs::path& file, const fs::path& folder,
                   const Repetition& plan, bool json) {
    if (std::error_code error; fs::exists(folder, error) && !fs::is_empty(folder, error))
        throw Misuse("run folder " + folder.string() + " is already there and not empty: name another with --out");
    Repetition done = plan;
    for (int n = 1; n <= plan.planned && (done.runs.empty() || done.runs.back().exit_code <= 3); n++) {
        const auto seed = nth_seed(plan.seed, n);
        const auto name = fmt::format("{:03}", n);
        const auto [judged, exit_code] = run_once(experiment, text, file, folder / name, seed);
        done.runs.push_back({name, seed, judged.verdict.verdict, exit_code, judged.verdict.reason});
        if (!json) std::cout << to_line(done.runs.back()) << std::flush;
    }
    if (const auto why = write_whole(folder / repetition_file, to_json(done)); !why.empty())
        std::cerr << "blackstart: " << repetition_file << ": " << why << '\n';
    std::cout << (json ? to_json(done) : to_text(done)) << std::flush;
    return exit_code(done);
}

int run_file(const fs::path& file, const RunWords& words) {
    const auto text = read_file(file);
    const Experiment experiment = read_experiment(text, file);
    const auto seed = words.seed ? *words.seed : experiment.seed ? *experiment.seed : draw_seed();
    const int repeat = words.repeat.value_or(experiment.repeat);
    const fs::path folder =
        words.out.empty() ? state_directory() / "runs" / (wall_clock().substr(0, 19) + "-" + experiment.name) : fs::path(words.out);
    if (repeat > 1) return run_repeatedly(experiment, text, file, folder, {experiment.name, seed, repeat, {}}, words.json);
    const auto [judged, exit_code] = run_once(experiment, text, file, folder, seed);
    const auto& [judged_experiment, verdict, history] = judged;
    std::cout << (words.json ? to_json(judged_experiment, verdict) : to_text(judged_experiment, verdict, wants_colour(STDOUT_FILENO)))
              << std::flush;
    return exit_code;
}

const char* verdict_of(int exit_code) { return exit_code == 0 ? "held" : exit_code == 1 ? "deviated" : "was inconclusive"; }

// A drill's hardened software has to hold what its weak software cannot.
int run_drill(const fs::path& drill, const RunWords& words) {
    const auto half = [&](const char* name) {
        if (!words.json) std::cout << "== " << drill.filename().string() << ", " << name << std::endl;
        RunWords its = words;
        if (!words.out.empty()) its.out = (fs::path(words.out) / name).string();
        return run_file(drill / (std::string(name) + ".toml"), its);
    };
    const int weak = half("weak");
    if (weak > 3) return weak;
    const int hardened = half("hardened");
    if (hardened > 3) return hardened;
    const int code = weak == 3 || hardened == 3 ? 3 : weak == 1 && hardened == 0 ? 0 : 1;
    if (!words.json)
        std::cout << fmt::format("== {}: weak {}, hardened {}: {}\n", drill.filename().string(), verdict_of(weak), verdict_of(hardened),
                                 code == 0 ? "as it should be" : "not as it should be: weak has to deviate, hardened to hold");
    return code;
}

}  // namespace

int run_command(const std::string& file, const RunWords& words) {
    if (const auto drill = find_drill(file)) return run_drill(*drill, words);
    return run_file(file, words);
}

}  // namespace blackstart
