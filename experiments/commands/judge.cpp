#include <unistd.h>

#include <iostream>

#include "experiments/commands/commands.h"
#include "experiments/report/json.h"
#include "experiments/report/text.h"
#include "experiments/run_folder.h"
#include "experiments/runs.h"

namespace blackstart {

int judge_command(const std::string& word, const std::string& expect, bool json) {
    const auto run = find_run(word);
    const auto [experiment, verdict, history, lines, warnings] = judge_folder(run, expect);
    for (const auto& warning : warnings) std::cerr << to_string(warning) << '\n';
    const std::string as_json = to_json(experiment, verdict);
    if (expect.empty()) write_verdict(run, as_json);  // a folder that is not ours to write is judged all the same
    std::cout << (json ? as_json : to_text(experiment, verdict, wants_colour(STDOUT_FILENO))) << std::flush;
    return verdict.exit_code;
}

}  // namespace blackstart
