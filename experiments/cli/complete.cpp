#include "experiments/cli/complete.h"

#include <algorithm>
#include <filesystem>
#include <stdexcept>

#include "experiments/drills.h"
#include "experiments/runs.h"
#include "injector/kernel/cgroup.h"
#include "injector/kernel/links.h"
#include "injector/kernel/netns.h"

namespace blackstart {
namespace {

namespace fs = std::filesystem;

struct Candidate {
    std::string word, about;
};
using Candidates = std::vector<Candidate>;

void add_names(const fs::path& folder, const std::string& about, const std::string& ending, Candidates& out) {
    std::error_code ignored;
    for (fs::directory_iterator at(folder, ignored), end; at != end; at.increment(ignored))
        if (const auto name = at->path().filename().string(); name.ends_with(ending)) out.push_back({name, about});
}

// Of the namespace that was named before, or the host's own.
void add_interfaces(const std::string& netns, Candidates& out) try {
    for (const auto& interface : interfaces(open_netns(netns).get())) out.push_back({interface.name, "interface"});
} catch (const std::runtime_error&) {  // not there, or not for this user to see
}

void add_drills(Candidates& out) {
    for (const auto& drill : shipped_drills()) out.push_back({drill.name, "drill"});
}

void add_runs(Candidates& out) {
    out.push_back({"last", "the newest run"});
    for (const auto& run : kept_runs()) out.push_back({run.id, run.verdict.empty() ? "unfinished" : run.verdict});
}

// What fits for a value that help shows as `type`. True: files fit as well.
bool add_values(const std::string& type, const std::string& netns, Candidates& out) {
    const auto is = [&](const char* word) { return type == word || type == std::string(word) + " ..."; };
    if (is("NETNS")) add_names("/run/netns", "namespace", "", out);
    if (is("IF")) add_interfaces(netns, out);
    if (is("CGROUP") || is("UNIT")) add_names(fs::path(cgroup2_mount()) / "system.slice", "unit", ".service", out);
    if (is("FILE|DRILL")) add_drills(out);
    if (is("RUN") || is("ID|last")) add_runs(out);
    return type.starts_with("FILE") || is("DIR") || is("RUN") || is("PATH");
}

const CLI::Option* option_named(const CLI::App& app, const std::string& word) {
    for (const auto* option : app.get_options())
        if (!option->get_positional() && option->check_name(word)) return option;
    return nullptr;
}

// Those that people are told of, or the one of a name.
std::vector<const CLI::App*> subcommands(const CLI::App& app, const std::string& name = "") {
    return app.get_subcommands([&](const CLI::App* one) { return name.empty() ? !one->get_group().empty() : one->get_name() == name; });
}

bool takes_value(const CLI::Option& option) { return option.get_type_size() > 0 && option.get_expected_max() > 0; }

}  // namespace

std::string completions(const CLI::App& root, const Choices& choices, const std::vector<std::string>& words) {
    const CLI::App* app = &root;
    const CLI::Option* waiting = nullptr;  // for its value
    std::string netns;
    for (std::size_t i = 0; i + 1 < words.size(); i++) {
        if (waiting != nullptr) {
            if (waiting->check_name("--netns")) netns = words[i];
            waiting = nullptr;
        } else if (words[i].starts_with('-')) {
            const auto* option = option_named(*app, words[i].substr(0, words[i].find('=')));
            if (option != nullptr && takes_value(*option) && words[i].find('=') == std::string::npos) waiting = option;
        } else if (const auto subs = subcommands(*app, words[i]); !subs.empty()) {
            app = subs.front();
        }
    }
    const std::string typed = words.empty() ? "" : words.back();
    Candidates all;
    bool files = false;
    if (waiting != nullptr) {
        files = add_values(waiting->get_type_name(), netns, all);
        if (const auto found = choices.find(waiting); found != choices.end())
            for (const auto& word : found->second) all.push_back({word, ""});
    } else {
        for (const auto* sub : subcommands(*app)) all.push_back({sub->get_name(), sub->get_description()});
        for (const auto* option : app->get_options())
            if (option->get_positional())
                files = add_values(option->get_type_name(), netns, all) || files;
            else if (!option->get_lnames().empty() && (typed.starts_with('-') || subcommands(*app).empty()))
                all.push_back({"--" + option->get_lnames().front(), option->get_description()});
    }
    std::string text;
    for (const auto& [word, about] : all)
        if (word.starts_with(typed)) text += word + "\t" + about.substr(0, about.find('\n')) + "\n";
    return text + (files && !typed.starts_with('-') ? ":files\n" : "");
}

}  // namespace blackstart
