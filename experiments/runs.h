// The runs that are kept on this host: a folder each below the state directory. What a folder holds says run_folder.h.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "injector/kernel/unique_fd.h"

namespace blackstart {

// /var/lib/blackstart/runs for root; for others $XDG_STATE_HOME/blackstart/runs, or ~/.local/state/blackstart/runs where that is
// not set (XDG Base Directory Specification).
std::filesystem::path runs_directory();

struct KeptRun {
    std::string id;  // the folder's name: 2026-11-23T06:31:09-NAME
    std::filesystem::path folder;
    std::string experiment;
    std::string verdict;  // as verdict.json or, of a repeated run, summary.json says; "" = it has none
    std::string reason;
    bool live = false;         // it is being written
    std::uintmax_t bytes = 0;  // of everything in it
    std::chrono::system_clock::time_point begun;
};

// All of them, the oldest first. A folder that is no run is left out.
std::vector<KeptRun> kept_runs();

// What a word of the command line means: a folder, "last" (the newest run), or the id of a kept run. Throws Misuse, with the
// nearest id, if it is none of them.
std::filesystem::path find_run(const std::string& word);

// A folder for a run, made or taken over empty, and marked as being written for as long as this lives: `prune` spares it.
class RunFolder {
public:
    // `out`: as asked for; "" = a new one for that experiment in runs_directory(). Throws Misuse if `out` is there and not empty,
    // Unfit if the folder cannot be made or written.
    RunFolder(const std::string& out, const std::string& experiment);
    [[nodiscard]] const std::filesystem::path& path() const { return path_; }

private:
    std::filesystem::path path_;
    unique_fd mark_;  // locked (flock)
};

// Removes a kept run. Returns why it could not; "" if it could.
std::string remove_run(const KeptRun& run);

}  // namespace blackstart
