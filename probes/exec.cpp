#include "probes/exec.h"

#include <sys/wait.h>

#include "injector/kernel/error.h"
#include "probes/children.h"
#include "probes/extract.h"
#include "probes/runner.h"

namespace blackstart {

namespace {

std::string why_not(const ExecProbe& probe, const Exit& exit) {
    if (WIFSIGNALED(exit.status)) return "killed by signal " + std::to_string(WTERMSIG(exit.status));
    if (WEXITSTATUS(exit.status) != probe.exit) return "exit " + std::to_string(WEXITSTATUS(exit.status));
    if (probe.output && exit.output.find(*probe.output) == std::string::npos) return "stdout lacks \"" + *probe.output + "\"";
    return "";
}

class ExecRunner final : public Runner {
public:
    ExecRunner(const ExecProbe& probe, const Place& place, Surroundings& around)
        : probe_(probe), place_(place), children_(around.shared<Children>()) {
        if (probe.run.empty()) throw Misuse("an exec probe has nothing to run");
        std::size_t size = 0;
        for (const auto& argument : probe.run) size += argument.size() + 1;
        if (size > spawner::largest_message / 2) throw Misuse("the arguments of '" + probe.run.front() + "' are longer than 32 KiB");
        if (probe.value) extract_.emplace(*probe.value);
    }

    std::unique_ptr<Attempt> begin(Tick& tick) override;

    [[nodiscard]] Outcome judge(Exit exit) const {
        if (!exit.failure.empty()) return failed(std::move(exit.failure));
        Outcome outcome;
        outcome.why = why_not(probe_, exit);
        outcome.ok = outcome.why.empty();
        if (exit.output.ends_with('\n')) exit.output.pop_back();
        outcome.value = extract_ ? (*extract_)(exit.output) : number_or_text(exit.output);
        return outcome;
    }

private:
    ExecProbe probe_;
    Place place_;
    Children& children_;
    std::optional<Extractor> extract_;
};

class ExecAttempt final : public Attempt {
public:
    ExecAttempt(Children& children, const ExecRunner& runner, const Place& place, const std::vector<std::string>& argv, Tick& tick)
        : child_(children.run(place, argv, [&runner, &tick](Exit exit) { tick.finish(runner.judge(std::move(exit))); })) {}

private:
    std::unique_ptr<Children::Child> child_;
};

std::unique_ptr<Attempt> ExecRunner::begin(Tick& tick) { return std::make_unique<ExecAttempt>(children_, *this, place_, probe_.run, tick); }

}  // namespace

template <> std::unique_ptr<Runner> make_runner(const ExecProbe& probe, const Place& place, Surroundings& around) {
    return std::make_unique<ExecRunner>(probe, place, around);
}

}  // namespace blackstart
