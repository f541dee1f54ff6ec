#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>

#include "experiments/commands/commands.h"
#include "experiments/repetition.h"
#include "experiments/report/json.h"
#include "experiments/report/text.h"
#include "experiments/runs.h"
#include "injector/kernel/error.h"

namespace blackstart {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

std::string size_in_words(std::uintmax_t bytes) {
    if (bytes >= 10 << 20) return fmt::format("{} MiB", bytes >> 20);
    return fmt::format("{} KiB", (bytes + 1023) >> 10);
}

std::string state(const KeptRun& run) { return run.live ? "running" : run.verdict.empty() ? "unfinished" : run.verdict; }

void tell_json(const std::vector<KeptRun>& runs) {
    const auto line = [](const Json& json) { std::cout << json.dump(-1, ' ', false, Json::error_handler_t::replace) << '\n'; };
    line({{"format", "blackstart-runs/1.0"}, {"folder", runs_directory().string()}, {"runs", runs.size()}});
    for (const auto& run : runs)
        line({{"id", run.id},
              {"experiment", run.experiment},
              {"state", state(run)},
              {"reason", run.reason},
              {"bytes", run.bytes},
              {"folder", run.folder.string()}});
}

// A repeated experiment's folder: each of its runs in a line.
int show_repeated(const fs::path& folder, bool json) {
    std::ifstream file(folder / repetition_file, std::ios::binary);
    const Json summary = Json::parse(file, nullptr, false);
    if (!summary.is_object() || !summary.contains("each")) throw Misuse((folder / repetition_file).string() + " cannot be read");
    if (json) {
        std::cout << summary.dump() << '\n';
        return 0;
    }
    fmt::print("{}: {}\n", summary.value("experiment", ""), summary.value("reason", ""));
    for (const auto& run : summary["each"])
        fmt::print("{}  {:<12}  seed {}: {}\n", run.value("folder", ""), run.value("verdict", ""), run.value("seed", std::uint64_t{0}),
                   harmless(run.value("reason", "")));
    fmt::print("\nfolder  {}\n", folder.string());
    return 0;
}

}  // namespace

int runs_command(bool json) {
    const auto runs = kept_runs();
    if (json) {
        tell_json(runs);
        return 0;
    }
    if (runs.empty()) fmt::print("no run is kept in {} yet\n", runs_directory().string());
    std::size_t width = 0;
    for (const auto& run : runs) width = std::max(width, run.id.size());
    for (const auto& run : runs)
        fmt::print("{:<{}}  {:<12}  {:>8}  {}\n", run.id, width, state(run), size_in_words(run.bytes), harmless(run.reason));
    return 0;
}

int show_run(const std::string& word, bool json) {
    const auto folder = find_run(word);
    if (!fs::exists(folder / history_file) && fs::exists(folder / repetition_file)) return show_repeated(folder, json);
    const auto run = judge_folder(folder);
    if (json) {
        std::cout << to_json(run.experiment, run.verdict) << std::flush;
        return 0;
    }
    std::cout << to_text(run.experiment, run.verdict, wants_colour(STDOUT_FILENO));
    fmt::print("\nbegun   {}\nseed    {}\nfolder  {}\n", run.history.origin, run.history.seed, fs::absolute(folder).string());
    return 0;
}

int prune_runs(std::optional<int> keep, std::optional<std::chrono::nanoseconds> older_than, bool json) {
    if (!keep && !older_than) throw Misuse("blackstart runs prune: nothing says which: give --keep N, --older-than DURATION, or both");
    auto runs = kept_runs();
    if (keep) runs.resize(runs.size() - std::min(runs.size(), static_cast<std::size_t>(*keep)));
    const auto now = std::chrono::system_clock::now();
    if (older_than) std::erase_if(runs, [&](const KeptRun& run) { return now - run.begun < *older_than; });
    std::uintmax_t freed = 0;
    std::size_t removed = 0;
    if (json) std::cout << R"({"format":"blackstart-prune/1.0"})" << '\n';
    for (const auto& run : runs) {
        const auto why = remove_run(run);
        if (json) std::cout << Json{{"id", run.id}, {"removed", why.empty()}, {"why", why}, {"bytes", run.bytes}}.dump() << '\n';
        if (!why.empty()) {
            std::cerr << "blackstart: " << run.id << " is kept: " << why << '\n';
            continue;
        }
        if (!json) fmt::print("removed {}\n", run.id);
        freed += run.bytes;
        removed++;
    }
    if (!json) fmt::print("{} removed, {} freed\n", removed, size_in_words(freed));
    std::fflush(stdout);
    return removed == runs.size() ? 0 : 4;
}

}  // namespace blackstart
