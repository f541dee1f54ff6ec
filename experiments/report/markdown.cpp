#include "experiments/report/markdown.h"

#include <fmt/format.h>

#include "experiments/expectations/figures.h"

namespace blackstart {
namespace {

constexpr std::size_t most = 90'000;  // bytes; a step summary takes a megabyte, a comment 64 KB of characters
constexpr std::size_t longest = 400;  // bytes of one cell

// What somebody's server or file says stays text: no markup, no row of its own.
std::string plain(const std::string& text) {
    std::string safe;
    for (const char c : text.substr(0, longest)) {
        if (c == '<') {
            safe += "&lt;";
        } else if (c == '&') {
            safe += "&amp;";
        } else if (std::string_view("\\`*_{}[]()#|!>~").find(c) != std::string_view::npos) {
            safe += '\\';
            safe += c;
        } else {
            safe += (c >= 0 && c < ' ') || c == 0x7f ? ' ' : c;
        }
    }
    while (!safe.empty() && (static_cast<unsigned char>(safe.back()) & 0xC0) == 0x80 && text.size() > longest) safe.pop_back();
    return text.size() > longest ? safe + "…" : safe;
}

const char* sign(Outcome outcome) { return outcome == Outcome::held ? "✅" : outcome == Outcome::deviated ? "❌" : "⚠️"; }

}  // namespace

std::string to_markdown(const JudgedRun& run) {
    const Verdict& verdict = run.verdict;
    std::string text = fmt::format("## {} {}: {}\n\n{}\n\n", sign(verdict.verdict), plain(run.experiment.name), to_string(verdict.verdict),
                                   plain(verdict.reason));
    if (!run.experiment.title.empty()) text += "> " + plain(run.experiment.title) + "\n\n";
    text += "| | expectation | outcome | observed | limit | at |\n|---|---|---|---|---|---|\n";
    std::size_t rows = 0;
    const auto row = [&](const std::string& line) {
        rows++;
        if (text.size() + line.size() < most) text += line;
    };
    for (const Judged& judged : verdict.expectations) {
        const Finding& f = judged.finding;
        row(fmt::format("| {} | {} | {} | {} | {} | {} |\n", sign(f.outcome), plain(subject(run.experiment.expectations.at(judged.index))),
                        to_string(f.outcome), plain(f.observed), plain(f.limit), f.at ? moment(*f.at) : ""));
    }
    text += "\n| fault | target | hits | proved |\n|---|---|---|---|\n";
    for (const Proof& proof : verdict.faults)
        row(fmt::format("| {} | {} | {} | {} |\n", plain(proof.fault), plain(proof.target), proof.hits,
                        proof.proved ? "yes" : "no: " + plain(proof.why)));
    text += fmt::format("\nBaseline held: {} · host restored: {} · seed {} · {} · exit code {}\n",
                        verdict.baseline ? "yes" : "no, " + plain(verdict.baseline_why), verdict.restored ? "yes" : "**no**",
                        run.history.seed, run.history.origin.substr(0, 19), verdict.exit_code);
    text += "\n<details><summary>What happened</summary>\n\n| s | event | what |\n|---|---|---|\n";
    for (const Told& one : told(run.history))
        row(fmt::format("| {:.3f} | {} | {} |\n", std::chrono::duration<double>(one.t).count(), one.kind,
                        plain(one.about + (one.about.empty() ? "" : ": ") + one.what)));
    text += "\n</details>\n";
    if (text.size() > most) text += "\nCut short; the run folder has the rest.\n";
    return text;
}

}  // namespace blackstart
