#include "experiments/cli/cli.h"

#include <CLI/App.hpp>
#include <algorithm>
#include <cstdio>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "experiments/cli/complete.h"
#include "experiments/cli/help.h"
#include "experiments/cli/inject.h"
#include "experiments/cli/manual.h"
#include "experiments/clock.h"
#include "experiments/commands/commands.h"
#include "experiments/parse/nearest.h"
#include "experiments/parse/types.h"
#include "experiments/start.h"
#include "experiments/version.h"
#include "injector/kernel/error.h"

namespace blackstart {
namespace {

std::string full_name(const CLI::App& app) {
    return app.get_parent() == nullptr ? app.get_name() : full_name(*app.get_parent()) + " " + app.get_name();
}

std::vector<std::string> options_of(const CLI::App& app) {
    std::vector<std::string> names;
    for (const auto* option : app.get_options())
        for (const auto& name : option->get_lnames()) names.push_back("--" + name);
    return names;
}

std::vector<std::string> commands_of(const CLI::App& app) {
    std::vector<std::string> names;
    for (const auto* sub : app.get_subcommands([](const CLI::App*) { return true; })) names.push_back(sub->get_name());
    return names;
}

// An option's value, read as a file's key is; nullopt if it was not given. Throws Misuse with what is wrong.
template <class T> std::optional<T> option(const std::string& name, const Type<T>& type, const std::string& text) {
    if (text.empty()) return std::nullopt;
    Complaints complaints;
    const Complaints::About about(complaints, name);
    auto value = type.read(datum_of(text, type.shape), complaints);
    if (!value) throw Misuse(complaints.errors.front().text);
    return value;
}

// The words of the command line, and what each chosen command does. CLI11 only tells the words apart.
class CommandLine {
public:
    CommandLine();
    int run(int argc, char** argv);

private:
    CLI::App& add(const std::string& name, const std::string& about, const std::string& example);
    CLI::App& add_with_file(const std::string& name, const std::string& word, const std::string& about, const std::string& example);
    void add_readers();
    void add_reports();
    void add_new_drill();
    void add_runs();
    [[nodiscard]] RunWords run_words() const;
    void add_inject();
    int dispatch();
    void refuse_extras(const CLI::App& app);
    [[nodiscard]] std::string what_is_extra(const CLI::App& app, const std::string& word) const;
    [[nodiscard]] const std::string& file(const CLI::App& app) const;

    CLI::App app_{"Breaks DNS, latency and health checks on a real host, on purpose, and says whether the recovery held.", "blackstart"};
    std::vector<std::string> files_;
    std::string file_, out_, seed_, repeat_, expect_, other_, keep_, older_than_, plan_, start_at_, ttl_;
    std::map<std::string, std::string> reports_;  // format -> file
    bool json_ = false, quiet_ = false;
    CLI::App* inject_ = nullptr;
    std::deque<InjectKind> kinds_;
    std::map<const CLI::App*, std::function<int()>> actions_;
    Choices choices_;
};

CommandLine::CommandLine() {
    app_.footer("blackstart run all-checks-lie");
    app_.formatter(help_formatter());
    app_.require_subcommand(0, 1);
    app_.allow_extras();
    app_.set_help_flag("-h,--help", "this help");
    app_.add_flag_callback(
        "--version", [] { throw CLI::CallForVersion(full_version(), 0); }, "version and commit");
    add_readers();
    add_inject();
    add_runs();
    add_reports();
}

CLI::App& CommandLine::add(const std::string& name, const std::string& about, const std::string& example) {
    auto* sub = app_.add_subcommand(name, about);
    sub->footer(example);
    sub->formatter(help_formatter());
    sub->allow_extras();
    return *sub;
}

CLI::App& CommandLine::add_with_file(const std::string& name, const std::string& word, const std::string& about,
                                     const std::string& example) {
    auto& sub = add(name, about, example);
    sub.add_option("file", file_)->type_name(word);
    return sub;
}

void CommandLine::add_readers() {
    auto& run = add_with_file("run", "FILE|DRILL", "Run an experiment; the exit code is the verdict.", "blackstart run all-checks-lie");
    run.add_option("--out", out_, "run folder: must not exist, or be empty")->type_name("DIR");
    run.add_option("--repeat", repeat_, "run it so often, each time under another seed")->type_name("N");
    run.add_option("--seed", seed_, "of every random choice; the file's, or one drawn, if absent")->type_name("N");
    run.add_option("--plan", plan_, "run exactly what `plan --json` wrote there, or nothing")->type_name("FILE");
    run.add_option("--start-at", start_at_, "wait until then: 14:30, 14:30:05, or RFC 3339")->type_name("TIME");
    run.add_option("--ttl", ttl_, "refuse what takes longer, and end what does")->type_name("DURATION");
    run.add_flag("--quiet", quiet_, "no progress, only the verdict");
    run.add_flag("--json", json_, "the verdict as JSON, in one line");
    actions_[&run] = [&] { return run_command(plan_.empty() ? file(run) : file_, run_words()); };

    auto& checks = add("check", "Parse and validate experiment files; needs no privilege.", "blackstart check experiments/drills/*/*.toml");
    checks.add_option("file", files_)->type_name("FILE...");
    actions_[&checks] = [&] {
        if (files_.empty()) throw Misuse("blackstart check: no FILE given");
        return check(files_);
    };

    auto& plans = add_with_file("plan", "FILE|DRILL", "Say what would be touched, where, and for how long; changes nothing.",
                                "blackstart plan all-checks-lie");
    plans.add_flag("--json", json_, "the plan as JSON, in one line: for `run --plan`");
    actions_[&plans] = [&] { return plan(file(plans), json_); };

    auto& judges = add_with_file("judge", "RUN", "Judge a recorded run again: its folder, its id, or 'last'.",
                                 "blackstart run all-checks-lie --out /tmp/r; blackstart judge /tmp/r/weak");
    judges.add_option("--expect", expect_, "try the [[expect]] tables of this file instead")->type_name("FILE");
    judges.add_flag("--json", json_, "the verdict as JSON");
    actions_[&judges] = [&] { return judge_command(file(judges), expect_, json_); };

    auto& reports = add_with_file("report", "RUN", "Write reports of a recorded run; judges it again, from its folder.",
                                  "blackstart report /tmp/r/weak --html report.html --junit junit.xml");
    for (const auto& format : report_formats())
        reports.add_option("--" + std::string(format.name), reports_[format.name], format.about)->type_name("FILE");
    reports.add_option("--compare", other_, "say what is different from another run")->type_name("RUN");
    actions_[&reports] = [&] {
        std::erase_if(reports_, [](const auto& one) { return one.second.empty(); });
        return report_command(file(reports), reports_, other_);
    };
}

void CommandLine::add_reports() {
    const auto plain = [&](const char* name, const char* about, const char* what, int (*call)(bool)) {
        auto& sub = add(name, about, "blackstart " + std::string(name));
        sub.add_flag("--json", json_, what);
        actions_[&sub] = [this, call] { return call(json_); };
    };
    plain("drills", "List the shipped drills, or begin one of your own.", "as JSON", drills_command);
    add_new_drill();
    plain("doctor", "Say what this host can do, and the fix for what it cannot.", "as JSON", doctor);
    plain("status", "Say what is injected now, by whom, and until when.", "as JSON", status);
    plain("restore", "The red button: end every live run and inject on this host, and undo what is left.", "as JSON", restore);
}

void CommandLine::add_new_drill() {
    auto* drill = app_.get_subcommand("drills")->add_subcommand("new", "Write NAME.toml, an experiment to begin with, commented.");
    drill->footer("blackstart drills new first-game-day && blackstart check first-game-day.toml");
    drill->formatter(help_formatter());
    drill->allow_extras();
    drill->add_option("name", file_)->type_name("NAME");
    actions_[drill] = [this, drill] {
        if (file_.empty()) throw Misuse(full_name(*drill) + ": no NAME given");
        return new_drill(file_);
    };
    auto* manuals = app_.add_subcommand("manual", "Print the manual page of the experiment file, as Markdown for pandoc.");
    manuals->group("");  // for those who build packages
    manuals->formatter(help_formatter());
    manuals->allow_extras();
    actions_[manuals] = manual_command;
}

RunWords CommandLine::run_words() const {
    RunWords words;
    words.out = out_;
    words.seed = option("--seed", type::seed(), seed_);
    words.repeat = option("--repeat", type::whole<int>(1, 1000), repeat_);
    words.json = json_;
    words.quiet = quiet_;
    if (!start_at_.empty()) words.start_at = start_time(start_at_, epoch_ns(wall_clock()));
    words.ttl = option("--ttl", type::duration(), ttl_);
    words.plan = plan_;
    return words;
}

void CommandLine::add_runs() {
    auto& runs = add("runs", "List the runs that are kept, show one, or remove old ones.", "blackstart runs");
    runs.require_subcommand(0, 1);
    runs.add_flag("--json", json_, "as NDJSON");
    actions_[&runs] = [this] { return runs_command(json_); };
    const auto below = [&](const char* name, const char* about, const char* example) -> CLI::App& {
        auto* sub = runs.add_subcommand(name, about);
        sub->footer(example);
        sub->formatter(help_formatter());
        sub->allow_extras();
        sub->add_flag("--json", json_, "as NDJSON");
        return *sub;
    };
    auto& show = below("show", "Show what one was: judged again, and where it is.", "blackstart runs show last");
    show.add_option("run", file_)->type_name("ID|last");
    actions_[&show] = [&] {
        if (file_.empty()) throw Misuse("blackstart runs show: no ID given: `blackstart runs` lists them, and 'last' is the newest");
        return show_run(file_, json_);
    };
    auto& prune = below("prune", "Remove those that are neither among the newest nor young enough.",
                        "blackstart runs prune --keep 50 --older-than 30d");
    prune.add_option("--keep", keep_, "spare so many of the newest")->type_name("N");
    prune.add_option("--older-than", older_than_, "spare those begun less than so long ago")->type_name("DURATION");
    actions_[&prune] = [&] {
        return prune_runs(option("--keep", type::whole<int>(0, 1'000'000), keep_),
                          option("--older-than", type::duration(type::Zero::allowed), older_than_), json_);
    };
}

void CommandLine::add_inject() {
    inject_ =
        &add("inject", "Put one fault in force by hand; Ctrl-C restores.", "blackstart inject dns --name db.test --answer empty --for 30s");
    inject_->require_subcommand(0, 1);
    for (const auto& name : fault_kinds()) {
        auto& kind = kinds_.emplace_back(*inject_, name);
        actions_[&kind.app()] = [&kind] { return kind.run(); };
        choices_.merge(kind.choices());
    }
    actions_[inject_] = []() -> int { throw Misuse("blackstart inject: no KIND given; expected " + alternatives(fault_kinds())); };
}

const std::string& CommandLine::file(const CLI::App& app) const {
    if (file_.empty()) throw Misuse(full_name(app) + ": no " + app.get_option("file")->get_type_name() + " given");
    return file_;
}

std::string CommandLine::what_is_extra(const CLI::App& app, const std::string& word) const {
    const std::string name = word.substr(0, word.find('='));
    if (word.starts_with('-')) {
        const auto near = nearest(name, options_of(app));
        return "unknown option '" + name + "'" + (near.empty() ? "" : "; did you mean '" + near + "'?");
    }
    if (const auto commands = commands_of(app); !commands.empty())
        return (&app == inject_ ? "unknown kind '" : "unknown command '") + word + "'" + hint(word, commands);
    return "unexpected '" + word + "'";
}

// What follows an unknown option may be its value, so only the first word is named.
void CommandLine::refuse_extras(const CLI::App& app) {
    if (const auto extra = app.remaining(); !extra.empty())
        throw Misuse(full_name(app) + ": " + what_is_extra(app, extra.front()) + "\n`" + full_name(app) + " --help` shows what there is");
    for (const auto* sub : app.get_subcommands()) refuse_extras(*sub);
}

int CommandLine::dispatch() {
    refuse_extras(app_);
    const CLI::App* chosen = &app_;
    while (!chosen->get_subcommands().empty()) chosen = chosen->get_subcommands().front();
    if (chosen != &app_) return actions_.at(chosen)();
    std::fputs(app_.help().c_str(), stderr);
    return 2;
}

int CommandLine::run(int argc, char** argv) {
    if (argc > 2 && std::string_view(argv[1]) == "complete") {  // for shells (complete.h): complete -- WORD …
        std::fputs(completions(app_, choices_, {argv + 3, argv + argc}).c_str(), stdout);
        return 0;
    }
    if (argc == 3 && std::string_view(argv[1]) == "manual" && std::string_view(argv[2]) == "1") {  // for those who build packages
        std::fputs(command_manual(app_).c_str(), stdout);
        return 0;
    }
    try {
        app_.parse(argc, argv);
    } catch (const CLI::CallForHelp&) {
        std::fputs(app_.help().c_str(), stdout);
        return 0;
    } catch (const CLI::CallForVersion&) {
        std::puts(full_version());
        return 0;
    } catch (const CLI::ArgumentMismatch& error) {
        const std::string said = error.what();  // "--name: 1 required NAME missing"
        throw Misuse(said.substr(0, said.find(':')) + ": its value is missing");
    } catch (const CLI::Error& error) {
        throw Misuse(error.what());
    }
    return dispatch();
}

}  // namespace

int command_line(int argc, char** argv) { return CommandLine().run(argc, argv); }

}  // namespace blackstart
