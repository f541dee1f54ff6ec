#include "experiments/report/annotations.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <string_view>
#include <vector>

namespace blackstart {
namespace {

struct Note {
    std::size_t line = 1;
    std::string title, message;
    Outcome outcome = Outcome::deviated;
};

// Histories of before 1.1 do not say.
std::string file_of(const JudgedRun& run) { return run.history.file.empty() ? experiment_file : run.history.file; }

std::string message(const Finding& finding) {
    std::string text = fmt::format("{}, limit {}", finding.observed.empty() ? "nothing observed" : finding.observed, finding.limit);
    return finding.why.empty() ? text : text + ": " + finding.why;
}

std::vector<Note> notes(const JudgedRun& run) {
    std::vector<Note> all;
    if (run.verdict.exit_code == 0) return all;
    const auto names = titles(run);
    for (std::size_t i = 0; i < names.size(); i++) {
        const Judged& judged = run.verdict.expectations[i];
        const std::size_t line = judged.index < run.expectation_lines.size() ? run.expectation_lines[judged.index] : 1;
        if (judged.finding.outcome != Outcome::held) all.push_back({line, names[i], message(judged.finding), judged.finding.outcome});
    }
    // What is not about an expectation: no proof, a baseline that did not hold, a host that is not whole.
    if (all.empty() || run.verdict.exit_code > 1)
        all.insert(all.begin(),
                   {1, run.experiment.name + " is " + to_string(run.verdict.verdict), run.verdict.reason, run.verdict.verdict});
    return all;
}

// Of a workflow command: its data, and (`property`) its properties.
std::string escaped(const std::string& text, bool property) {
    std::string out;
    for (const char c : text) {
        const bool is_special = c == '%' || c == '\n' || c == '\r' || (property && (c == ':' || c == ','));
        out += is_special ? fmt::format("%{:02X}", static_cast<unsigned char>(c)) : std::string(1, c);
    }
    return out;
}

}  // namespace

std::string to_github(const JudgedRun& run) {
    std::string text;
    for (const Note& note : notes(run))
        text += fmt::format("::{} file={},line={},title={}::{}\n", note.outcome == Outcome::deviated ? "error" : "warning",
                            escaped(file_of(run), true), note.line, escaped(note.title, true), escaped(note.message, false));
    return text;
}

std::string to_gitlab(const JudgedRun& run) {
    using Json = nlohmann::ordered_json;
    Json list = Json::array();
    for (const Note& note : notes(run))
        list.push_back({{"description", note.title + ": " + note.message},
                        {"check_name", "blackstart"},
                        {"fingerprint", run.experiment.name + ": " + note.title},
                        {"severity", note.outcome == Outcome::deviated ? "major" : "minor"},
                        {"location", {{"path", file_of(run)}, {"lines", {{"begin", note.line}}}}}});
    return list.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace blackstart
