#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <string_view>

#include "experiments/clock.h"
#include "experiments/commands/commands.h"
#include "experiments/drills.h"
#include "experiments/expectations/figures.h"
#include "experiments/parse.h"
#include "experiments/repetition.h"
#include "experiments/report/json.h"
#include "experiments/report/live.h"
#include "experiments/report/plan.h"
#include "experiments/report/repetition.h"
#include "experiments/report/text.h"
#include "experiments/run.h"
#include "experiments/run_folder.h"
#include "experiments/runs.h"
#include "experiments/seeds.h"
#include "experiments/start.h"
#include "injector/kernel/error.h"
#include "probes/loop.h"

namespace blackstart {
namespace {

namespace fs = std::filesystem;

Experiment read_experiment(const std::string& text, const fs::path& file) {
    auto [experiment, errors, warnings] = parse(text, file.string());
    for (const auto& diagnostic : errors) std::cerr << to_string(diagnostic) << '\n';
    if (!errors.empty()) throw Misuse(std::to_string(errors.size()) + (errors.size() == 1 ? " error in " : " errors in ") + file.string());
    for (const auto& diagnostic : warnings) std::cerr << to_string(diagnostic) << '\n';
    return experiment;
}

struct Done {
    JudgedRun judged;
    int exit_code = 0;
};

const char* verdict_of(int exit_code) { return exit_code == 0 ? "held" : exit_code == 1 ? "deviated" : "was inconclusive"; }

// Of a run whose folder does not read as one: a disk that was full from the first line on.
JudgedRun unrecorded(const Experiment& experiment, const std::vector<std::string>& left, const std::string& why) {
    JudgedRun made{experiment, {}, {}, {}, {}};
    made.verdict.restored = left.empty();
    made.verdict.reason = "the run could not be recorded: " + why;
    return made;
}

// On a terminal what goes on is drawn, elsewhere told line by line.
std::unique_ptr<Follower> follow(const Experiment& experiment, bool quiet) {
    if (quiet) return std::make_unique<Silent>();
    const char* term = std::getenv("TERM");
    const bool dumb = term == nullptr || *term == '\0' || std::string_view(term) == "dumb";
    if (::isatty(STDERR_FILENO) != 1 || dumb) return std::make_unique<Plain>();
    return std::make_unique<Live>(experiment, STDERR_FILENO, wants_colour(STDERR_FILENO));
}

// The runs of one command: of a file, of a file again and again, of a drill's two halves.
class Runs {
public:
    explicit Runs(const RunWords& words) : words_(words) {}

    // `of_many`: the exit code of several runs.
    int file(const fs::path& file, const std::string& out, int (*of_many)(const Repetition&) = exit_code) {
        const auto text = read_file(file);
        const Experiment experiment = read_experiment(text, file);
        const auto seed = words_.seed ? *words_.seed : experiment.seed ? *experiment.seed : draw_seed();
        const int repeat = words_.repeat.value_or(experiment.repeat);
        begin(length(experiment) * repeat, file);
        if (begun_by_ != 0) return 128 + begun_by_;
        const RunFolder folder(out, experiment.name);
        if (repeat > 1) return of_many(repeatedly(experiment, text, file, folder.path(), {experiment.name, seed, repeat, {}}));
        const auto [judged, exit_code] = once(experiment, text, file, folder.path(), seed);
        std::cout << (words_.json ? to_json(judged.experiment, judged.verdict)
                                  : to_text(judged.experiment, judged.verdict, wants_colour(STDOUT_FILENO)))
                  << std::flush;
        return exit_code;
    }

    // A drill's hardened software has to hold what its weak software cannot.
    int drill(const fs::path& drill) {
        Length both{0};
        for (const char* name : {"weak", "hardened"}) {
            const auto its = drill / (std::string(name) + ".toml");
            const auto experiment = read_experiment(read_file(its), its);
            both += length(experiment) * words_.repeat.value_or(experiment.repeat);
        }
        begin(both, drill);
        if (begun_by_ != 0) return 128 + begun_by_;
        const int weak = half(drill, "weak", exit_code_of_weak);
        if (weak > 3) return weak;
        const int hardened = half(drill, "hardened", exit_code);
        if (hardened > 3) return hardened;
        const int code = weak == 3 || hardened == 3 ? 3 : weak == 1 && hardened == 0 ? 0 : 1;
        if (!words_.json)
            std::cout << fmt::format("== {}: weak {}, hardened {}: {}\n", drill.filename().string(), verdict_of(weak), verdict_of(hardened),
                                     code == 0 ? "as it should be" : "not as it should be: weak has to deviate, hardened to hold");
        return code;
    }

private:
    using Length = std::chrono::nanoseconds;
    static Length length(const Experiment& experiment) { return experiment.baseline + experiment.duration; }

    // Once: refuses what would not end in time, then waits for --start-at. The time that a lab takes to come up is not known before:
    // a run that meets its deadline all the same is ended there.
    void begin(Length takes, const fs::path& what) {
        if (begun_) return;
        begun_ = true;
        if (words_.ttl && takes > *words_.ttl)
            throw Misuse(fmt::format("--ttl: {} takes {} (baseline and duration), which is more than {}", what.string(), duration(takes),
                                     duration(*words_.ttl)));
        if (words_.start_at) begun_by_ = wait_to_start(*words_.start_at, words_.quiet);
        if (words_.ttl) deadline_ = Loop::now() + *words_.ttl;
    }

    int half(const fs::path& drill, const char* name, int (*of_many)(const Repetition&)) {
        if (!words_.json) std::cout << "== " << drill.filename().string() << ", " << name << std::endl;
        return file(drill / (std::string(name) + ".toml"), words_.out.empty() ? "" : (fs::path(words_.out) / name).string(), of_many);
    }

    // No service said anything, and the history is no more than its head.
    static bool never_began(const fs::path& folder) {
        std::error_code ignored;
        std::ifstream history(folder / "history.ndjson");
        return fs::is_empty(folder / "logs", ignored) && std::count(std::istreambuf_iterator(history), {}, '\n') <= 1;
    }

    // For the next try, under the same name. What the user made is left.
    void clear(const fs::path& folder) const {
        std::error_code ignored;
        for (const char* name : {"logs", "history.ndjson", "experiment.toml"}) fs::remove(folder / name, ignored);
        if (folder != words_.out) fs::remove(folder, ignored);
    }

    // One run folder, one verdict, which is judged from the folder alone, as `judge` does.
    Done once(Experiment experiment, const std::string& text, const fs::path& file, const fs::path& folder, std::uint64_t seed) {
        seed_faults(experiment, seed);
        std::vector<std::string> left;
        try {
            const auto follower = follow(experiment, words_.quiet);
            left = run(experiment, text, {fs::absolute(file), folder, *follower, deadline_});
        } catch (const Unfit&) {
            if (never_began(folder)) clear(folder);
            throw;
        }
        for (const auto& what : left) std::cerr << "blackstart: not restored: " << what << '\n';
        if (!words_.quiet) std::cerr << "run folder: " << folder.string() << '\n';
        JudgedRun judged;
        try {
            judged = judge_folder(folder);
        } catch (const Misuse& error) {
            judged = unrecorded(experiment, left, error.what());
        }
        if (const auto why = write_verdict(folder, to_json(judged.experiment, judged.verdict)); !why.empty())
            std::cerr << "blackstart: verdict.json could not be written: " << why << '\n';
        const int exit_code = left.empty() ? judged.verdict.exit_code : 5;  // also where a full disk kept it out of the history
        return {std::move(judged), exit_code};
    }

    // In folders 001, 002 … below `folder`; what cuts one run short ends them all.
    Repetition repeatedly(const Experiment& experiment, const std::string& text, const fs::path& file, const fs::path& folder,
                          const Repetition& plan) {
        Repetition done = plan;
        for (int n = 1; n <= plan.planned && (done.runs.empty() || done.runs.back().exit_code <= 3) && in_time(); n++) {
            const auto seed = nth_seed(plan.seed, n);
            const auto name = fmt::format("{:03}", n);
            const auto [judged, exit_code] = once(experiment, text, file, folder / name, seed);
            done.runs.push_back({name, seed, judged.verdict.verdict, exit_code, judged.verdict.reason});
            if (!words_.json) std::cout << to_line(done.runs.back()) << std::flush;
        }
        if (const auto why = write_whole(folder / repetition_file, to_json(done)); !why.empty())
            std::cerr << "blackstart: " << repetition_file << " could not be written: " << why << '\n';
        std::cout << (words_.json ? to_json(done) : to_text(done)) << std::flush;
        return done;
    }
    [[nodiscard]] bool in_time() const { return !deadline_ || Loop::now() < *deadline_; }

    const RunWords& words_;
    bool begun_ = false;
    int begun_by_ = 0;  // the signal that came before anything had begun
    std::optional<Length> deadline_;
};

// The words of a run that is to be exactly as planned. Throws Misuse where it was told otherwise or the file is another, Unfit where
// the host is.
RunWords as_planned(const RunWords& words, const PlanRead& planned) {
    if (words.seed && *words.seed != planned.seed)
        throw Misuse(fmt::format("--seed {} is not the plan's, which is {}: leave it out", *words.seed, planned.seed));
    const auto text = read_file(planned.file);
    const Plan now(planned.file, text, planned.seed, read_experiment(text, planned.file));
    std::string what;
    for (const auto& line : differences(planned, now)) what += "\n  " + line;
    if (text != planned.text) throw Misuse(words.plan + ": the experiment is not the one that was planned:" + what);
    if (!what.empty())
        throw Unfit(words.plan + ": the host is not as it was planned for:" + what,
                    "look at it, and plan again: blackstart plan " + planned.file + " --json > " + words.plan);
    for (const auto& placed : now.faults)
        if (!placed.refusal.empty()) throw Unfit("fault '" + placed.fault->name + "' on " + placed.target + ": " + placed.refusal, "");
    RunWords its = words;
    its.seed = planned.seed;
    return its;
}

}  // namespace

int wait_to_start(std::int64_t epoch_ns, bool quiet) {
    const int signal = wait_until(epoch_ns, [&] {
        if (!quiet) std::cerr << "waiting until " << rfc3339(epoch_ns).substr(0, 19) << "Z" << std::endl;
    });
    if (signal != 0) std::cerr << "interrupted before it began: nothing was touched\n";
    return signal;
}

int run_command(const std::string& file, const RunWords& words) {
    if (words.plan.empty()) {
        if (const auto drill = find_drill(file)) return Runs(words).drill(*drill);
        refuse_unknown_drill(file);
        return Runs(words).file(file, words.out);
    }
    const auto planned = read_plan(words.plan);
    if (!file.empty() && fs::absolute(file).lexically_normal() != planned.file)
        throw Misuse(words.plan + " is a plan of " + planned.file + ", not of " + file);
    const auto its = as_planned(words, planned);
    return Runs(its).file(planned.file, its.out);
}

}  // namespace blackstart
