// Runs an experiment: baseline, faults, observation; records its history; restores.
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "experiments/experiment.h"
#include "experiments/follower.h"

namespace blackstart {

struct RunOptions {
    std::filesystem::path file;    // the experiment file, already parsed
    std::filesystem::path folder;  // the run folder: must not exist, or be empty
    Follower& follower;
    // CLOCK_MONOTONIC: at that time the run ends as if a guard had tripped, wherever it is.
    std::optional<std::chrono::nanoseconds> deadline = std::nullopt;
};

// Leaves experiment.toml (as run), history.ndjson and the services' logs in the folder. Everything is restored when it
// returns or throws (Unfit, Misuse: nothing was touched). Signals (SIGINT, SIGTERM) are recorded and end the run early.
// Returns what could not be restored: empty unless the host is not whole. It is in the history as well, if that could be written.
std::vector<std::string> run(const Experiment& experiment, const std::string& text, const RunOptions& options);

}  // namespace blackstart
