// One function a subcommand: what is left of main after the words of the command line are read. Each returns the exit
// code (DESIGN §3), writes data to stdout and diagnostics to stderr, and throws Misuse or Unfit when it cannot go on.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "experiments/experiment.h"
#include "experiments/run_folder.h"

namespace blackstart {

int check(const std::vector<std::string>& files);
int plan(const std::string& file, bool json);
struct RunWords {
    std::string out;                    // the run folder; "" = below the state directory
    std::optional<std::uint64_t> seed;  // in place of the file's
    std::optional<int> repeat;          // in place of the file's
    bool json = false;
    bool quiet = false;                           // no progress
    std::optional<std::int64_t> start_at;         // ns since 1970
    std::optional<std::chrono::nanoseconds> ttl;  // from the start to the end, the host whole again; of all runs together
    std::string plan;                             // a file that `plan --json` made: run exactly that, or nothing
};
// `file` may be the name of a shipped drill: weak and hardened are run. With a plan it may be "".
int run_command(const std::string& file, const RunWords& words);
// Says until when, and waits. Returns the signal that ended it, and says so; 0: none did.
int wait_to_start(std::int64_t epoch_ns, bool quiet);
// fault.targets is not used: the one target is `scope`. `start_at`: ns since 1970; everything is looked at before, and armed then.
int inject_command(const PlannedFault& fault, const TargetSpec& scope, std::optional<std::int64_t> start_at, bool json);
// `run`: a run folder, an id or "last" (experiments/runs.h), here and below.
// `expect`: a file of [[expect]] tables that are tried in place of the experiment's; "" = none. verdict.json is then left as it is.
int judge_command(const std::string& run, const std::string& expect, bool json);
// Writes each format to its file ("-" = stdout), whole or not at all; `other`: a run folder to compare with, or "".
int report_command(const std::string& run, const std::map<std::string, std::string>& files, const std::string& other);
struct ReportFormat {
    const char *name, *about;
    std::string (*write)(const JudgedRun& run);
};
const std::vector<ReportFormat>& report_formats();
// The kept runs (experiments/runs.h); `word`: an id or "last". prune removes those that are not among the `keep` newest and were begun
// longer ago than `older_than`; one of the two is needed.
int runs_command(bool json);
int show_run(const std::string& word, bool json);
int prune_runs(std::optional<int> keep, std::optional<std::chrono::nanoseconds> older_than, bool json);
int drills_command(bool json);
// Writes NAME.toml into the working directory. Throws Misuse for a name that cannot be, and where the file is already there.
int new_drill(const std::string& name);
int manual_command();
int doctor(bool json);
int status(bool json);
int restore(bool json);

}  // namespace blackstart
