#include "experiments/report/text.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "experiments/expectations/figures.h"

namespace blackstart {
namespace {

constexpr std::size_t columns = 100;

bool continues(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }  // of a UTF-8 sequence

std::size_t width(std::string_view text) {
    return static_cast<std::size_t>(std::ranges::count_if(text, [](char c) { return !continues(c); }));
}

// The longest part of a word that fits, at least one character.
std::size_t fitting(std::string_view word, std::size_t room) {
    std::size_t end = 0;
    for (std::size_t n = 0; end < word.size() && n < std::max<std::size_t>(room, 1); n++) {
        end++;
        while (end < word.size() && continues(word[end])) end++;
    }
    return end;
}

// Words in lines of at most `columns`; what does not fit on the first goes on below, indented.
std::string wrapped(const std::string& first, const std::string& text, std::size_t indent) {
    std::string result, line = first;
    std::size_t start = width(first);  // where the words of this line begin
    const auto next_line = [&] {
        result += line + "\n";
        line.assign(indent, ' ');
        start = indent;
    };
    std::string rest = harmless(text);
    for (std::size_t from = rest.find_first_not_of(' '); from != std::string::npos; from = rest.find_first_not_of(' ', from)) {
        std::string word = rest.substr(from, rest.find(' ', from) - from);
        from += word.size();
        const bool fresh = width(line) == start;
        if (!fresh && width(line) + 1 + width(word) > columns) next_line();
        if (width(line) > start) line += ' ';
        while (width(line) + width(word) > columns && indent < columns) {
            const std::size_t part = fitting(word, columns - std::min(columns, width(line)));
            line += word.substr(0, part);
            word.erase(0, part);
            next_line();
        }
        line += word;
    }
    return result + line + "\n";
}

std::string upper(std::string text) {
    for (char& c : text) c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
    return text;
}

std::string painted(const std::string& text, Outcome outcome, bool colour) {
    if (!colour) return text;
    const int code = outcome == Outcome::held ? 32 : outcome == Outcome::deviated ? 31 : 33;
    return fmt::format("\x1b[1;{}m{}\x1b[0m", code, text);
}

std::string subject(const Experiment& experiment, const Judged& judged) { return subject(experiment.expectations.at(judged.index)); }

std::string figure(const Finding& finding) {
    const std::string observed = finding.observed.empty() ? "nothing observed" : finding.observed;
    return fmt::format("{}, limit {}", observed, finding.limit);
}

// One expectation that was not met: its figure, its limit, the moment.
std::string failing(const Experiment& experiment, const Judged& judged) {
    const Finding& finding = judged.finding;
    std::string text = wrapped(fmt::format("  {:<14}", to_string(finding.outcome)), subject(experiment, judged), 16);
    const auto line = [&](const char* name, const std::string& what) { text += wrapped(fmt::format("    {:<12}", name), what, 16); };
    line("observed", fmt::format("{}, in {}", finding.observed.empty() ? "nothing" : finding.observed, counted(finding.samples, "sample")));
    line("limit", finding.limit);
    if (finding.at) line("at", moment(*finding.at) + (finding.outcome == Outcome::deviated ? " from t0: " + finding.why : " from t0"));
    if (!finding.at || finding.outcome != Outcome::deviated) line("because", finding.why);
    for (std::size_t i = 0; i < judged.explanation.size(); i++) line(i == 0 ? "explained" : "", judged.explanation[i]);
    return text + "\n";
}

std::string part(const char* name, bool yes, const std::string& detail, bool colour) {
    const std::string answer = painted(yes ? "yes" : "no", yes ? Outcome::held : Outcome::deviated, colour);
    return fmt::format("{:<17} {}{}{}\n", name, answer, detail.empty() ? "" : ", ", detail);
}

std::string injection(const Verdict& verdict, bool colour) {
    const auto proved = static_cast<std::size_t>(std::ranges::count(verdict.faults, true, &Proof::proved));
    const bool all = proved == verdict.faults.size() && proved > 0;
    std::string text = part("injection proved", all, fmt::format("{} of {}", proved, verdict.faults.size()), colour);
    for (const Proof& proof : verdict.faults) {
        std::string line = fmt::format("{} on {}: {}", proof.fault, proof.target, counted(proof.hits, "hit"));
        if (proof.own_probe_hits) line += fmt::format(", {} of them our own probes'", *proof.own_probe_hits);
        if (!proof.proved) line += "; not proved: " + proof.why;
        text += wrapped("  ", line, 4);
    }
    return text;
}

std::string expectations(const Experiment& experiment, const Verdict& verdict, bool colour) {
    const auto met = static_cast<std::size_t>(
        std::ranges::count_if(verdict.expectations, [](const Judged& j) { return j.finding.outcome == Outcome::held; }));
    const bool all = met == verdict.expectations.size() && met > 0;
    std::string text = part("expectations met", all, fmt::format("{} of {}", met, verdict.expectations.size()), colour);
    for (const Judged& judged : verdict.expectations) {
        text += wrapped(fmt::format("  {:<14}", to_string(judged.finding.outcome)),
                        subject(experiment, judged) + ": " + figure(judged.finding), 16);
    }
    return text;
}

}  // namespace

std::string harmless(std::string text) {
    std::ranges::replace_if(
        text, [](char c) { return (c >= 0 && c < ' ') || c == 0x7f; }, ' ');
    for (std::size_t at = text.find("\xC2"); at != std::string::npos; at = text.find("\xC2", at + 1)) {
        if (at + 1 < text.size() && static_cast<unsigned char>(text[at + 1]) < 0xA0) text.replace(at, 2, " ");  // C1 controls
    }
    return text;
}

std::string to_text(const Experiment& experiment, const Verdict& verdict, bool colour) {
    const std::string head = upper(to_string(verdict.verdict)) + ": ";
    std::string text = wrapped(head, verdict.reason, 2);
    text.replace(0, head.size(), painted(head, verdict.verdict, colour));
    text += wrapped(experiment.name + (experiment.title.empty() ? "" : ": "), experiment.title, 2) + "\n";
    for (const Outcome outcome : {Outcome::deviated, Outcome::inconclusive}) {
        for (const Judged& judged : verdict.expectations) {
            if (judged.finding.outcome == outcome) text += failing(experiment, judged);
        }
    }
    if (!verdict.baseline) text += wrapped("baseline held     no, ", verdict.baseline_why, 2);
    text += injection(verdict, colour);
    text += part("host restored", verdict.restored, "", colour);
    return text + expectations(experiment, verdict, colour);
}

bool wants_colour(int fd) {
    const char* no = std::getenv("NO_COLOR");
    return ::isatty(fd) == 1 && (no == nullptr || *no == '\0');
}

}  // namespace blackstart
