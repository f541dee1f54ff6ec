#include "experiments/parse.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <tuple>

#include "experiments/parse/document.h"
#include "experiments/parse/draft.h"
#include "injector/kernel/error.h"
#include "injector/kernel/unique_fd.h"

namespace blackstart {
namespace {

void read_tables(const Datum& document, Draft& draft, Complaints& complaints) {
    const auto tables = [&](const char* name, auto read) {
        if (const auto* entry = document.find(name))
            each_table(entry->value, name, complaints,
                       [&](const Datum& table, std::size_t number) { read(table, number, draft, complaints); });
    };
    read_head(document, draft, complaints);
    if (const auto* targets = document.find("target")) read_targets(targets->value, draft, complaints);
    tables("fault", read_fault);
    tables("probe", read_probe);
    tables("expect", read_expectation);
    tables("guard", read_guard);
    tables("meter", read_meter);
    if (const auto* lab = document.find("lab")) {
        const Complaints::About about(complaints, "lab");
        read_lab(lab->value, draft, complaints);
    }
}

void complain_of_unknown_tables(const Datum& document, Complaints& complaints) {
    const std::vector<std::string> known = {"experiment", "target", "fault", "probe", "meter", "expect", "guard", "lab"};
    for (const auto& entry : document.table) {
        if (std::ranges::find(known, entry.key) != known.end()) continue;
        complaints.error(entry.place, "unknown table or key '" + entry.key + "'" + hint(entry.key, known));
    }
}

Experiment finished(const Draft& draft) {
    Experiment experiment = draft.head.value;
    for (const auto& drafted : draft.target_tables) experiment.targets[drafted.value.name] = drafted.value;
    for (const auto& drafted : draft.faults) experiment.faults.push_back(drafted.value);
    for (const auto& drafted : draft.probes) experiment.probes.push_back(drafted.value);
    for (const auto& drafted : draft.expectations) experiment.expectations.push_back(drafted.value);
    for (const auto& drafted : draft.meters) experiment.meters.push_back(drafted.value);
    for (const auto& drafted : draft.guards) experiment.guards.push_back(drafted.value);
    if (!draft.has_lab) return experiment;
    experiment.lab = draft.lab.value;
    for (const auto& drafted : draft.services) experiment.lab->services.push_back(drafted.value);
    return experiment;
}

std::vector<Diagnostic> in_order(std::vector<Complaint> complaints, const std::string& file) {
    std::ranges::stable_sort(complaints, {}, [](const Complaint& c) { return std::tuple(c.place.line, c.place.column); });
    std::vector<Diagnostic> diagnostics;
    diagnostics.reserve(complaints.size());
    for (auto& complaint : complaints)
        diagnostics.push_back({file, complaint.place.line, complaint.place.column, std::move(complaint.text)});
    return diagnostics;
}

}  // namespace

Parsed parse(std::string_view text, const std::string& file) {
    Complaints complaints;
    Draft draft;
    const Datum document = read_document(text, complaints);
    if (complaints.errors.empty()) {
        complain_of_unknown_tables(document, complaints);
        read_tables(document, draft, complaints);
        check_references(draft, complaints);
        check_times(draft, complaints);
        check_dns_rules(draft, complaints);
        check_health_rules(draft, complaints);
        check_lab(draft, complaints);
    }
    if (complaints.errors.empty()) warn_of_scarcity(draft, complaints);
    return {finished(draft), in_order(std::move(complaints.errors), file), in_order(std::move(complaints.warnings), file)};
}

Parsed parse_expecting(std::string_view right, std::string_view text, const std::string& file) {
    Complaints complaints, of_the_right;
    Draft draft;
    read_tables(read_document(right, of_the_right), draft, of_the_right);
    draft.expectations.clear();
    const Datum document = read_document(text, complaints);
    complain_of_unknown_tables(document, complaints);
    const auto other = std::ranges::find_if(document.table, [](const auto& entry) { return entry.key != "expect"; });
    if (other != document.table.end())
        complaints.warning(other->place, "'" + other->key + "' is not read here: all but [[expect]] is as it was run");
    if (const auto* expect = document.find("expect"))
        each_table(expect->value, "expect", complaints,
                   [&](const Datum& table, std::size_t number) { read_expectation(table, number, draft, complaints); });
    else if (complaints.errors.empty())
        complaints.error({}, "there is no [[expect]] in it");
    if (complaints.errors.empty()) check_references(draft, complaints);
    return {finished(draft), in_order(std::move(complaints.errors), file), in_order(std::move(complaints.warnings), file)};
}

std::vector<std::size_t> expectation_lines(std::string_view right) {
    Complaints ignored;
    std::vector<std::size_t> lines;
    const Datum document = read_document(right, ignored);
    if (const auto* expect = document.find("expect"))
        each_table(expect->value, "expect", ignored, [&](const Datum& table, std::size_t) { lines.push_back(table.place.line); });
    return lines;
}

std::string read_file(const std::filesystem::path& file) {
    constexpr std::size_t largest = 4 << 20;  // far above any experiment; ends reading of what has no end
    const unique_fd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
    const auto fail = [&](int error) { throw Misuse("cannot read " + file.string() + ": " + std::strerror(error)); };
    if (!fd) fail(errno);
    std::string text;
    char block[65536];
    for (;;) {
        const auto n = ::read(fd.get(), block, sizeof block);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) fail(errno);
        if (n == 0) return text;
        text.append(block, static_cast<std::size_t>(n));
        if (text.size() > largest) throw Misuse("cannot read " + file.string() + ": it is over 4 MiB");
    }
}

std::string to_string(const Diagnostic& diagnostic) {
    std::string place = diagnostic.file;
    if (diagnostic.line > 0) place += ":" + std::to_string(diagnostic.line) + ":" + std::to_string(diagnostic.column);
    return place + ": " + diagnostic.text;
}

}  // namespace blackstart
