#include <unistd.h>

#include <cstdlib>
#include <iostream>

#include "experiments/clock.h"
#include "experiments/commands/commands.h"
#include "experiments/drills.h"
#include "experiments/parse.h"
#include "experiments/report/json.h"
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

// One file, one run folder, one verdict, which is judged from the folder alone, as `judge` does. Returns the exit code.
int run_file(const fs::path& file, const fs::path& out, bool json) {
    const auto text = read_file(file);
    auto [experiment, errors, warnings] = parse(text, file.string());
    for (const auto& diagnostic : errors) std::cerr << to_string(diagnostic) << '\n';
    if (!errors.empty()) throw Misuse(std::to_string(errors.size()) + (errors.size() == 1 ? " error in " : " errors in ") + file.string());
    for (const auto& diagnostic : warnings) std::cerr << to_string(diagnostic) << '\n';
    seed_faults(experiment, experiment.seed ? *experiment.seed : draw_seed());
    const fs::path folder = out.empty() ? state_directory() / "runs" / (wall_clock().substr(0, 19) + "-" + experiment.name) : out;
    const auto left = run(experiment, text, {fs::absolute(file), folder, [](const std::string& line) { std::cerr << line << std::endl; }});
    for (const auto& what : left) std::cerr << "blackstart: not restored: " << what << '\n';
    std::cerr << "run folder: " << folder.string() << '\n';

    const auto [judged, verdict, history] = judge_folder(folder);
    const auto as_json = to_json(judged, verdict);
    if (const auto why = write_verdict(folder, as_json); !why.empty()) std::cerr << "blackstart: verdict.json: " << why << '\n';
    std::cout << (json ? as_json : to_text(judged, verdict, wants_colour(STDOUT_FILENO))) << std::flush;
    return left.empty() ? verdict.exit_code : 5;  // also where a full disk kept it out of the history
}

// A drill's hardened software has to hold what its weak software cannot.
int run_drill(const fs::path& drill, const fs::path& out, bool json) {
    const auto half = [&](const char* name) {
        if (!json) std::cout << "== " << drill.filename().string() << ", " << name << std::endl;
        return run_file(drill / (std::string(name) + ".toml"), out.empty() ? fs::path() : out / name, json);
    };
    const int weak = half("weak");
    if (weak > 3) return weak;
    const int hardened = half("hardened");
    if (hardened > 3) return hardened;
    if (weak == 3 || hardened == 3) return 3;
    return weak == 1 && hardened == 0 ? 0 : 1;
}

}  // namespace

int run_command(const std::string& file, const std::string& out, bool json) {
    if (const auto drill = find_drill(file)) return run_drill(*drill, out, json);
    return run_file(file, out, json);
}

}  // namespace blackstart
