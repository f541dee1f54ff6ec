#include "experiments/cli/inject.h"

#include <algorithm>

#include "experiments/cli/help.h"
#include "experiments/clock.h"
#include "experiments/commands/commands.h"
#include "experiments/start.h"
#include "injector/kernel/error.h"

namespace blackstart {
namespace {

PlannedFault by_hand(const std::string& kind) {
    PlannedFault fault;
    fault.name = kind;
    fault.fault = make_fault(kind);
    return fault;
}

std::string doc_of(const Key& key) {
    if (key.required) return key.doc + " (required)";
    return key.fallback.empty() ? key.doc : key.doc + " [" + key.fallback + "]";
}

CLI::Option& add_option(CLI::App& app, const Key& key) {
    auto* option = app.add_option(
        key.option, [](const CLI::results_t&) { return true; }, doc_of(key));
    if (key.shape == Shape::flag) return *option->expected(0);
    option->type_name(key.repeats ? key.metavar + " ..." : key.metavar);
    return *option->expected(1)->allow_extra_args(false)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

Datum datum_of(const Key& key, const std::vector<std::string>& words) {
    if (!key.repeats || words.size() == 1) return datum_of(words.empty() ? "" : words.front(), key.shape);
    Datum datum;
    datum.type = Datum::Type::list;
    for (const auto& word : words) datum.list.push_back(datum_of(word, key.shape));
    return datum;
}

}  // namespace

InjectKind::InjectKind(CLI::App& inject, const std::string& kind) : fault_(by_hand(kind)), keys_(fault_keys(fault_)) {
    keys_.add("seed", type::seed(), seed_).otherwise("drawn").says("of every random choice");
    describe_target(keys_, scope_);
    app_ = inject.add_subcommand(kind, keys_.about);
    app_->footer(keys_.example);
    app_->formatter(help_formatter());
    app_->allow_extras();
    for (const auto& key : keys_.all())
        if (!key.in_file_only) add_option(*app_, key);
    app_->add_option("--start-at", start_at_, "wait until then")->type_name("TIME");
    app_->add_flag("--json", json_, "events as NDJSON");
}

Choices InjectKind::choices() const {
    Choices all;
    for (const auto& key : keys_.all())
        if (!key.in_file_only && !key.words.empty()) all[app_->get_option(key.option)] = key.words;
    return all;
}

void InjectKind::read(Complaints& complaints) {
    for (auto& key : keys_.all()) {
        if (key.in_file_only) continue;
        const auto* option = app_->get_option(key.option);
        if (option->count() == 0) {
            if (key.required) complaints.error({}, key.option + " is required: " + key.doc);
            continue;
        }
        const Complaints::About about(complaints, key.option);
        if (option->count() > 1 && !key.repeats && key.shape != Shape::flag) {
            complaints.error({}, "given " + std::to_string(option->count()) + " times: expected once");
            continue;
        }
        Keys::take(key, datum_of(key, option->results()), complaints);
    }
    if (complaints.errors.empty()) keys_.run_checks({}, complaints);
}

int InjectKind::run() {
    Complaints complaints;
    read(complaints);
    std::string wrong;
    for (const auto& error : complaints.errors) wrong += (wrong.empty() ? "" : "\n") + error.text;
    if (!wrong.empty()) throw Misuse(wrong);
    fault_.terms.seed = seed_ ? *seed_ : draw_seed();
    std::optional<std::int64_t> start;
    if (!start_at_.empty()) start = start_time(start_at_, epoch_ns(wall_clock()));
    return inject_command(fault_, scope_, start, json_);
}

}  // namespace blackstart
