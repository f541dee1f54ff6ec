#include "experiments/report/junit.h"

#include <fmt/format.h>

#include <pugixml.hpp>
#include <sstream>

#include "experiments/report/text.h"

namespace blackstart {
namespace {

// XML 1.0 has no control characters but tab and newline, not even escaped.
std::string xml(std::string text) {
    for (char& c : text)
        if ((c >= 0 && c < ' ' && c != '\n' && c != '\t') || c == 0x7f) c = ' ';
    return text;
}

void set(pugi::xml_node node, const char* name, const std::string& value) { node.append_attribute(name).set_value(xml(value).c_str()); }

// Why a testcase does not pass: "failure" or "error"; "" = it passes. A verdict is never better than its evidence.
std::string trouble(const JudgedRun& run, const Outcome outcome) {
    if (run.verdict.exit_code == 5) return "error";
    if (outcome == Outcome::deviated) return "failure";
    return outcome == Outcome::held && run.verdict.exit_code <= 1 ? "" : "error";
}

std::string because(const JudgedRun& run, const Finding& finding) {
    if (finding.outcome == Outcome::held || run.verdict.exit_code == 5) return run.verdict.reason;
    const std::string observed = finding.observed.empty() ? "nothing observed" : finding.observed;
    return fmt::format("{}, limit {}{}", observed, finding.limit, finding.why.empty() ? "" : ": " + finding.why);
}

void add_case(pugi::xml_node suite, const JudgedRun& run, const std::string& name, const Finding& finding) {
    auto test = suite.append_child("testcase");
    set(test, "name", name);
    set(test, "classname", run.experiment.name);
    set(test, "time", "0");
    const auto kind = trouble(run, finding.outcome);
    if (kind.empty()) return;
    auto told = test.append_child(kind.c_str());
    set(told, "message", because(run, finding));
    set(told, "type", kind == "failure" ? "deviated" : "inconclusive");
    told.append_child(pugi::node_pcdata).set_value(xml(because(run, finding)).c_str());
}

}  // namespace

std::string to_junit(const JudgedRun& run) {
    pugi::xml_document document;
    auto suite = document.append_child("testsuites").append_child("testsuite");
    set(suite, "name", run.experiment.name);
    set(suite, "package", "blackstart");
    set(suite, "id", "0");
    set(suite, "timestamp", run.history.origin.substr(0, 19));
    set(suite, "hostname", "localhost");
    std::size_t failures = 0, errors = 0;
    for (const Judged& judged : run.verdict.expectations) {
        const auto kind = trouble(run, judged.finding.outcome);
        failures += kind == "failure" ? 1 : 0;
        errors += kind == "error" ? 1 : 0;
    }
    const bool none = run.verdict.expectations.empty();  // such a run is never held
    set(suite, "tests", std::to_string(none ? 1 : run.verdict.expectations.size()));
    set(suite, "failures", std::to_string(failures));
    set(suite, "errors", std::to_string(none ? 1 : errors));
    set(suite, "time", fmt::format("{:.3f}", std::chrono::duration<double>(length(run.history)).count()));
    auto properties = suite.append_child("properties");
    const auto property = [&](const char* name, const std::string& value) {
        auto one = properties.append_child("property");
        set(one, "name", name);
        set(one, "value", value);
    };
    property("verdict", to_string(run.verdict.verdict));
    property("exit_code", std::to_string(run.verdict.exit_code));
    property("restored", run.verdict.restored ? "true" : "false");
    property("seed", std::to_string(run.history.seed));
    for (const Proof& proof : run.verdict.faults)
        property(("hits of " + proof.fault + " on " + proof.target).c_str(), std::to_string(proof.hits));
    const auto names = titles(run);
    for (std::size_t i = 0; i < names.size(); i++) add_case(suite, run, names[i], run.verdict.expectations[i].finding);
    if (none) add_case(suite, run, "a run without an expectation", {});
    suite.append_child("system-out").append_child(pugi::node_pcdata).set_value(xml(to_text(run.experiment, run.verdict, false)).c_str());
    suite.append_child("system-err");
    std::ostringstream out;
    document.save(out, "  ", pugi::format_default, pugi::encoding_utf8);
    return out.str();
}

}  // namespace blackstart
