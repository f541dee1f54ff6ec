// The folder that a run leaves: experiment.toml (as run, byte for byte), history.ndjson, verdict.json, the services' logs.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "experiments/experiment.h"
#include "experiments/parse.h"
#include "experiments/verdict.h"

namespace blackstart {

inline constexpr const char* experiment_file = "experiment.toml";
inline constexpr const char* history_file = "history.ndjson";
inline constexpr const char* verdict_file = "verdict.json";

struct JudgedRun {
    Experiment experiment;
    Verdict verdict;
    History history;
    std::vector<std::size_t> expectation_lines;  // of experiment.toml, by index; empty where others were tried
    std::vector<Diagnostic> warnings;            // of the file whose expectations were tried
};

// Judges what the folder records: reads experiment.toml and history.ndjson and nothing else. `run` calls it as well, so that
// both say the same. Throws Misuse if a file is missing, is not what it should be, or is of another experiment.
// `expect`: a file whose [[expect]] tables take the place of the experiment's; "" = none.
JudgedRun judge_folder(const std::filesystem::path& folder, const std::filesystem::path& expect = {});

// Puts the text in place of a file, or of a link, whole or not at all. Returns why it could not; "" if it could.
std::string write_whole(const std::filesystem::path& file, const std::string& text);
// The same for a file that the user names: of a link it is the file that it leads to. What is no file (a device, a pipe), and what is open
// already (/dev/stdout), is not replaced but written.
std::string write_report(const std::filesystem::path& file, const std::string& text);
// As write_whole, verdict.json (to_json).
std::string write_verdict(const std::filesystem::path& folder, const std::string& json);

}  // namespace blackstart
