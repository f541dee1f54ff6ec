// One function a subcommand: what is left of main after the words of the command line are read. Each returns the exit
// code (DESIGN §3), writes data to stdout and diagnostics to stderr, and throws Misuse or Unfit when it cannot go on.
#pragma once

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
};
// `file` may be the name of a shipped drill: weak and hardened are run.
int run_command(const std::string& file, const RunWords& words);
// fault.targets is not used: the one target is `scope`.
int inject_command(const PlannedFault& fault, const TargetSpec& scope, bool json);
// `expect`: a file of [[expect]] tables that are tried in place of the experiment's; "" = none. verdict.json is then left as it is.
int judge_command(const std::string& run, const std::string& expect, bool json);
// Writes each format to its file ("-" = stdout), whole or not at all; `other`: a run folder to compare with, or "".
int report_command(const std::string& run, const std::map<std::string, std::string>& files, const std::string& other);
struct ReportFormat {
    const char *name, *about;
    std::string (*write)(const JudgedRun& run);
};
const std::vector<ReportFormat>& report_formats();
int drills_command(bool json);
// Writes NAME.toml into the working directory. Throws Misuse for a name that cannot be, and where the file is already there.
int new_drill(const std::string& name);
int manual_command();
int doctor(bool json);
int status(bool json);
int restore(bool json);

}  // namespace blackstart
