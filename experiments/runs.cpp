#include "experiments/runs.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>

#include "experiments/clock.h"
#include "experiments/parse/nearest.h"
#include "experiments/repetition.h"
#include "experiments/run_folder.h"
#include "injector/kernel/error.h"

namespace blackstart {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

fs::path state_directory() {
    if (::geteuid() == 0) return "/var/lib/blackstart";
    if (const char* state = std::getenv("XDG_STATE_HOME"); state != nullptr && *state == '/') return fs::path(state) / "blackstart";
    const char* home = std::getenv("HOME");
    return fs::path(home != nullptr ? home : "/tmp") / ".local/state/blackstart";
}

unique_fd open_folder(const fs::path& folder) { return unique_fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)); }

bool is_live(const fs::path& folder) {
    const auto mark = open_folder(folder);
    return mark && ::flock(mark.get(), LOCK_SH | LOCK_NB) != 0;
}

std::uintmax_t size_of(const fs::path& folder) {
    std::uintmax_t bytes = 0;
    std::error_code ignored;
    for (fs::recursive_directory_iterator at(folder, ignored), end; at != end; at.increment(ignored))
        if (at->is_regular_file(ignored)) bytes += at->file_size(ignored);
    return bytes;
}

std::string text_at(const Json& json, const char* key) {
    return json.contains(key) && json[key].is_string() ? json[key].get<std::string>() : "";
}

// What its verdict file says; what is missing or broken says nothing.
void read_verdict(KeptRun& run) {
    for (const char* name : {verdict_file, repetition_file}) {
        std::ifstream file(run.folder / name, std::ios::binary);
        if (!file) continue;
        const Json json = Json::parse(file, nullptr, false);
        if (!json.is_object()) continue;
        run.experiment = text_at(json, "experiment");
        run.verdict = text_at(json, "verdict");
        run.reason = text_at(json, "reason");
        return;
    }
}

// "2026-11-23T06:31:09-NAME"; nullopt for any other name, which is not ours.
std::optional<KeptRun> kept(const fs::path& folder) {
    constexpr std::size_t stamp = 19;
    KeptRun run;
    run.id = folder.filename();
    run.folder = folder;
    const auto begun = epoch_ns(run.id.substr(0, stamp));
    if (run.id.size() < stamp + 2 || run.id[stamp] != '-' || begun == 0) return std::nullopt;
    run.begun = std::chrono::system_clock::time_point(std::chrono::nanoseconds(begun));
    run.experiment = run.id.substr(stamp + 1);
    run.live = is_live(folder);
    run.bytes = size_of(folder);
    read_verdict(run);
    return run;
}

Unfit no_folder(const fs::path& folder, const std::string& why) {
    return Unfit("cannot make run folder " + folder.string() + ": " + why, "name one that can be written, with --out DIR");
}

// A name that no other run has taken: two may begin in one second.
fs::path make_new(const std::string& experiment) {
    const auto parent = runs_directory();
    std::error_code error;
    fs::create_directories(parent, error);
    if (error) throw no_folder(parent, error.message());
    const auto name = fmt::format("{}-{}", wall_clock().substr(0, 19), experiment);
    for (int n = 1; n < 1000; n++) {
        const auto folder = parent / (n == 1 ? name : fmt::format("{}-{}", name, n));
        if (fs::create_directory(folder, error)) return folder;
        if (error) throw no_folder(folder, error.message());
    }
    throw no_folder(parent / name, "there are too many of that second");
}

fs::path take_over(const fs::path& folder) {
    std::error_code error;
    if (fs::exists(folder, error) && (!fs::is_directory(folder, error) || !fs::is_empty(folder, error)))
        throw Misuse("run folder " + folder.string() + " is already there and not empty: name another with --out");
    fs::create_directories(folder, error);
    if (error) throw no_folder(folder, error.message());
    return folder;
}

}  // namespace

fs::path runs_directory() { return state_directory() / "runs"; }

std::vector<KeptRun> kept_runs() {
    std::vector<KeptRun> found;
    std::error_code ignored;
    for (fs::directory_iterator at(runs_directory(), ignored), end; at != end; at.increment(ignored))
        if (auto run = at->is_directory(ignored) ? kept(at->path()) : std::nullopt) found.push_back(std::move(*run));
    std::ranges::sort(found, [](const KeptRun& a, const KeptRun& b) { return std::pair(a.begun, a.id) < std::pair(b.begun, b.id); });
    return found;
}

fs::path find_run(const std::string& word) {
    std::error_code ignored;
    if (word.find('/') != std::string::npos || fs::is_directory(word, ignored)) return word;
    if (const auto folder = runs_directory() / word; word != "last" && fs::is_directory(folder, ignored)) return folder;
    const auto all = kept_runs();
    if (word == "last" && all.empty()) throw Misuse("no run is kept in " + runs_directory().string() + " yet");
    if (word == "last") return all.back().folder;
    std::vector<std::string> ids;
    for (const auto& run : all) ids.push_back(run.id);
    const auto near = nearest(word, ids);
    throw Misuse("no run '" + word + "': neither a folder nor kept in " + runs_directory().string() +
                 (near.empty() ? "; `blackstart runs` lists what is" : "; did you mean '" + near + "'?"));
}

RunFolder::RunFolder(const std::string& out, const std::string& experiment) : path_(out.empty() ? make_new(experiment) : take_over(out)) {
    mark_ = open_folder(path_);
    if (!mark_ || ::flock(mark_.get(), LOCK_EX | LOCK_NB) != 0)
        throw no_folder(path_, errno == EWOULDBLOCK ? "another run is writing it" : std::strerror(errno));
}

std::string remove_run(const KeptRun& run) {
    if (is_live(run.folder)) return "it is being written";
    std::error_code error;
    fs::remove_all(run.folder, error);
    return error ? error.message() : "";
}

}  // namespace blackstart
