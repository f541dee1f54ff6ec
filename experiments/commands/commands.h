// One function a subcommand: what is left of main after the words of the command line are read. Each returns the exit
// code (DESIGN §3), writes data to stdout and diagnostics to stderr, and throws Misuse or Unfit when it cannot go on.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "experiments/experiment.h"
#include "experiments/run_folder.h"

namespace blackstart {

int check(const std::vector<std::string>& files);
int plan(const std::string& file, bool json);
// `file` may be the name of a shipped drill: weak and hardened are run. `out`: the run folder; "" = below the state directory.
int run_command(const std::string& file, const std::string& out, bool json);
// fault.targets is not used: the one target is `scope`.
int inject_command(const PlannedFault& fault, const TargetSpec& scope, bool json);
int judge_command(const std::string& run, bool json);
// Writes each format to its file ("-" = stdout), whole or not at all; `other`: a run folder to compare with, or "".
int report_command(const std::string& run, const std::map<std::string, std::string>& files, const std::string& other);
struct ReportFormat {
    const char *name, *about;
    std::string (*write)(const JudgedRun& run);
};
const std::vector<ReportFormat>& report_formats();
int drills_command(bool json);
int doctor(bool json);
int status(bool json);
int restore(bool json);

}  // namespace blackstart
