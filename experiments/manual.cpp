#include "experiments/manual.h"

#include <fmt/format.h>

#include <set>
#include <utility>
#include <vector>

#include "experiments/parse/draft.h"
#include "experiments/parse/expectations.h"
#include "experiments/parse/faults.h"
#include "experiments/parse/probes.h"

namespace blackstart {
namespace {

constexpr const char* kHead = R"(% BLACKSTART.TOML(5) blackstart | File formats

# NAME

blackstart.toml - an experiment: what is broken, what is watched, and what has to hold

# DESCRIPTION

An experiment is a TOML file that **blackstart run** runs. It has one *[experiment]*, any number of *[target.NAME]*, *[[fault]]*,
*[[probe]]*, *[[meter]]*, *[[expect]]* and *[[guard]]*, and at most one *[lab]*. An unknown key is an error. **blackstart check** tells
every error with its place and the nearest right word; **blackstart plan** tells what would be touched.

# VALUES

DURATION, TIME
:   A text of a number and a unit: "250us", "250ms", "1.5s", "2m", "1h".

SHARE
:   A text in percent, "25%". A *limit* of one begins with a comparison: "\>= 99%", "\<= 5%"; one of a factor is as "\<= 3x", one of a
    duration as "\<= 250ms".

ADDRESS, CIDR, HOST
:   IPv4 or IPv6. Where a host name may stand it is resolved in the target's namespace, and is followed as its DNS answers change.
    A name in another script, "bücher.test", is what it is in DNS, "xn--bcher-kva.test".

NETNS
:   The name of a host of the lab; else a network namespace by its name, a path, or pid:N.

...
:   What is marked so may be one value or an array of them.

)";

Datum text(std::string value) {
    Datum datum;
    datum.text = std::move(value);
    return datum;
}

Datum table(const std::vector<std::pair<std::string, Datum>>& entries) {
    Datum datum;
    datum.type = Datum::Type::table;
    for (const auto& [key, value] : entries) datum.table.push_back({key, {}, value});
    return datum;
}

Datum one_table(Datum table) {
    Datum datum;
    datum.type = Datum::Type::list;
    datum.list.push_back(std::move(table));
    return datum;
}

// What pandoc would take for markup.
std::string plain(const std::string& text) {
    std::string escaped;
    for (const char c : text) {
        if (std::string_view("*_<>[]`\\^~$").find(c) != std::string_view::npos) escaped += '\\';
        escaped += c;
    }
    return escaped;
}

std::string entry(const std::string& name, const KeyDoc& key, bool repeats) {
    std::string line = "**" + plain(name) + "**";
    if (!key.metavar.empty()) line += " = " + plain(key.metavar) + (repeats ? " ..." : "");
    if (key.required) line += " (required)";
    line += "\n:   " + plain(key.doc) + ".";
    if (!key.fallback.empty()) line += " If absent: " + plain(key.fallback) + ".";
    return line + "\n\n";
}

// The keys of a table that have not been told where all tables of its sort are.
std::string entries(const Keys& keys, const std::set<std::string>& but = {}) {
    std::string text;
    for (const auto& key : keys.all()) {
        if (but.contains(key.name)) continue;
        text += entry(key.name, {key.name, key.metavar, key.doc, key.fallback, key.required}, key.repeats);
        if (!key.inner) continue;
        for (const auto& inner : key.inner()) text += entry(key.name + "." + inner.name, inner, false);
    }
    return text;
}

std::string about(const Keys& keys) { return keys.about.empty() ? "" : plain(keys.about) + "\n\n"; }

std::set<std::string> names(const Keys& keys) {
    std::set<std::string> all;
    for (const auto& key : keys.all()) all.insert(key.name);
    return all;
}

std::set<std::string> common(std::set<std::string> some, const std::set<std::string>& others) {
    std::erase_if(some, [&](const auto& name) { return !others.contains(name); });
    return some;
}

// Of one table of that kind, as the parser would read it.
using ReadOne = void (*)(const Datum&, std::size_t, Draft&, Complaints&);
template <class Drafts> const Keys& keys_of(const Datum& table, ReadOne read, Draft& draft, Drafts Draft::*drafts) {
    Complaints ignored;  // an example lacks what it needs
    read(table, 1, draft, ignored);
    return (draft.*drafts).back().keys;
}

// A sort of table of which there are kinds: what all kinds have, then each kind's own.
template <class Drafts>
std::string kinds(const std::string& sort, const std::vector<std::string>& all, ReadOne read, Drafts Draft::*drafts) {
    Draft draft;
    std::vector<const Keys*> each;
    each.reserve(all.size());
    for (const auto& kind : all) each.push_back(&keys_of(table({{"kind", text(kind)}}), read, draft, drafts));
    auto shared = names(*each.front());
    for (const auto* keys : each) shared = common(std::move(shared), names(*keys));
    auto own = names(*each.front());
    std::erase_if(own, [&](const auto& name) { return shared.contains(name); });
    std::string page = "# [[" + sort + "]]\n\nEvery kind takes:\n\n" + entries(*each.front(), own);
    for (std::size_t i = 0; i < all.size(); i++) page += "## kind = \"" + all[i] + "\"\n\n" + about(*each[i]) + entries(*each[i], shared);
    return page;
}

std::string expectations() {
    std::string page = "# [[expect]]\n\nOne condition each. An observation belongs to the window in which it started.\n\n";
    Draft draft;
    std::set<std::string> told = {"probe", "during"};
    for (const auto& condition : conditions()) {
        const auto& keys = keys_of(table({{condition, text("")}}), read_expectation, draft, &Draft::expectations);
        if (page.find("**probe**") == std::string::npos && keys.given("probe") == nullptr && names(keys).contains("probe")) {
            auto own = names(keys);
            for (const auto& name : told) own.erase(name);
            page += entries(keys, own);
        }
        page += "## " + plain(condition) + "\n\n" + about(keys) + entries(keys, told);
    }
    return page;
}

std::string lab() {
    Draft draft;
    Complaints ignored;
    read_lab(table({{"service", one_table(table({}))}}), draft, ignored);
    return "# [lab]\n\nMakes the file self-contained: hosts (network namespaces on one bridge) and services, made for the run and gone "
           "after "
           "it.\n\n" +
           entries(draft.lab.keys) + "## [[lab.service]]\n\nA command on a host; they are started in order.\n\n" +
           entries(draft.services.back().keys);
}

std::string heads() {
    Draft draft;
    Complaints ignored;
    read_head(table({{"experiment", table({})}}), draft, ignored);
    read_targets(table({{"NAME", table({})}}), draft, ignored);
    return "# [experiment]\n\n" + entries(draft.head.keys) +
           "# [target.NAME]\n\nWhere a fault or a meter is put; named, to be used again.\n\n" + entries(draft.target_tables.back().keys);
}

}  // namespace

std::string manual() {
    Draft draft;
    std::string page = kHead + heads() + kinds("fault", fault_kinds(), read_fault, &Draft::faults) +
                       kinds("probe", probe_kinds(), read_probe, &Draft::probes);
    page += "# [[meter]]\n\nCounts matching traffic in the kernel, and changes nothing.\n\n" +
            entries(keys_of(table({}), read_meter, draft, &Draft::meters));
    page += expectations();
    page += "# [[guard]]\n\nStops the run at once and restores (exit 3): the blast went further than meant.\n\n" +
            entries(keys_of(table({}), read_guard, draft, &Draft::guards));
    return page + lab() + "# SEE ALSO\n\n**blackstart**(1)\n";
}

}  // namespace blackstart
