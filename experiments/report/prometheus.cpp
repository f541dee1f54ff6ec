#include "experiments/report/prometheus.h"

#include <fmt/format.h>

#include <utility>
#include <vector>

#include "experiments/clock.h"

namespace blackstart {
namespace {

using Labels = std::vector<std::pair<const char*, std::string>>;

std::string escaped(const std::string& text) {
    std::string safe;
    for (const char c : text) {
        if (c == '\\' || c == '"') safe += '\\';
        safe += c == '\n' ? std::string("\\n") : std::string(1, c);
    }
    return safe;
}

class Page {
public:
    explicit Page(std::string experiment) : experiment_(std::move(experiment)) {}
    void gauge(const char* name, const char* help) {
        text_ += fmt::format("# HELP blackstart_{0} {1}\n# TYPE blackstart_{0} gauge\n", name_ = name, help);
    }
    void sample(double value, const Labels& labels = {}) {
        text_ += fmt::format("blackstart_{}{{experiment=\"{}\"", name_, escaped(experiment_));
        for (const auto& [key, what] : labels) text_ += fmt::format(",{}=\"{}\"", key, escaped(what));
        text_ += fmt::format("}} {}\n", value);
    }
    [[nodiscard]] const std::string& text() const { return text_; }

private:
    std::string experiment_, text_;
    const char* name_ = "";
};

}  // namespace

std::string to_prometheus(const JudgedRun& run) {
    Page page(run.experiment.name);
    const Verdict& verdict = run.verdict;
    page.gauge("verdict", "1 for the run's verdict, 0 for the others.");
    for (const Outcome outcome : {Outcome::held, Outcome::inconclusive, Outcome::deviated})
        page.sample(verdict.verdict == outcome ? 1 : 0, {{"verdict", to_string(outcome)}});
    page.gauge("exit_code", "The exit code of the run.");
    page.sample(verdict.exit_code);
    page.gauge("restored", "1 if the host was found whole.");
    page.sample(verdict.restored ? 1 : 0);
    page.gauge("baseline_held", "1 if the steady state was steady.");
    page.sample(verdict.baseline ? 1 : 0);
    page.gauge("run_start_time_seconds", "When the run began, since 1970.");
    page.sample(static_cast<double>(epoch_ns(run.history.origin) / 1'000'000) / 1000);
    page.gauge("run_duration_seconds", "How long the run took, its baseline included.");
    page.sample(std::chrono::duration<double>(length(run.history)).count());
    page.gauge("fault_hits", "Packets, messages or processes that the fault acted on.");
    for (const Proof& proof : verdict.faults)
        page.sample(static_cast<double>(proof.hits), {{"fault", proof.fault}, {"target", proof.target}});
    page.gauge("fault_proved", "1 if the fault is proved to have acted.");
    for (const Proof& proof : verdict.faults) page.sample(proof.proved ? 1 : 0, {{"fault", proof.fault}, {"target", proof.target}});
    page.gauge("expectation_held", "1 if the expectation was met; 0 if it was not, or nothing can be said.");
    const auto names = titles(run);
    for (std::size_t i = 0; i < names.size(); i++) {
        const Judged& judged = verdict.expectations[i];
        page.sample(judged.finding.outcome == Outcome::held ? 1 : 0, {{"expectation", names[i]},
                                                                      {"probe", judged.probe},
                                                                      {"condition", judged.condition},
                                                                      {"outcome", to_string(judged.finding.outcome)}});
    }
    return page.text();
}

}  // namespace blackstart
