#include "experiments/manual.h"

#include <gmock/gmock.h>

#include "experiments/parse/expectations.h"
#include "experiments/parse/faults.h"
#include "experiments/parse/probes.h"

namespace blackstart {
namespace {

using ::testing::HasSubstr;

// As the page writes it.
std::string shown(const std::string& name) {
    std::string text;
    for (const char c : name) text += c == '_' ? std::string("\\_") : std::string(1, c);
    return "**" + text + "**";
}

// What the page says of one kind or condition, and of what all of them take.
std::string part(const std::string& page, const std::string& sort, const std::string& heading) {
    const auto from = page.find("# [[" + sort + "]]");
    const auto shared = page.substr(from, page.find("\n## ", from) - from);
    const auto own = page.find("\n## " + heading + "\n", from);
    EXPECT_NE(own, std::string::npos) << heading;
    return shared + page.substr(own, page.find("\n#", own + 4) - own);
}

void expect_all(const Keys& keys, const std::string& text) {
    for (const auto& key : keys.all()) {
        EXPECT_THAT(text, HasSubstr(shown(key.name)));
        EXPECT_FALSE(key.doc.empty()) << key.name;
        EXPECT_THAT(key.fallback.empty() || text.find("If absent") != std::string::npos, true) << key.name;
        if (!key.inner) continue;
        for (const auto& inner : key.inner()) EXPECT_THAT(text, HasSubstr(shown(key.name + "." + inner.name)));
    }
}

TEST(Manual, has_every_key_of_every_fault_kind) {
    const auto page = manual();
    for (const auto& kind : fault_kinds()) {
        PlannedFault fault;
        fault.fault = make_fault(kind);
        expect_all(fault_keys(fault), part(page, "fault", "kind = \"" + kind + "\""));
    }
}

TEST(Manual, has_every_key_of_every_probe_kind) {
    const auto page = manual();
    for (const auto& kind : probe_kinds()) {
        Probe probe;
        probe.kind = make_probe(kind);
        expect_all(probe_keys(probe), part(page, "probe", "kind = \"" + kind + "\""));
    }
}

TEST(Manual, has_every_condition_with_what_it_asks) {
    const auto page = manual();
    for (const auto& name : conditions()) {
        Expectation expectation;
        expectation.condition = make_condition(name);
        const auto keys = expectation_keys(expectation);
        std::string heading;
        for (const char c : name) heading += c == '_' ? std::string("\\_") : std::string(1, c);
        expect_all(keys, part(page, "expect", heading));
        EXPECT_FALSE(keys.about.empty()) << name << " has no formula";
    }
}

TEST(Manual, has_the_other_tables) {
    const auto page = manual();
    for (const char* table : {"# [experiment]", "# [target.NAME]", "# [[meter]]", "# [[guard]]", "# [lab]", "## [[lab.service]]"})
        EXPECT_THAT(page, HasSubstr(std::string(table) + "\n"));
    for (const char* key : {"baseline", "netns", "count", "trips", "hosts", "needs", "ready.tcp", "restart"})
        EXPECT_THAT(page, HasSubstr("**" + std::string(key) + "**"));
}

}  // namespace
}  // namespace blackstart
