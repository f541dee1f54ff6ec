#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <locale>
#include <nlohmann/json.hpp>
#include <sstream>

#include "experiments/report/json.h"
#include "experiments/report/text.h"
#include "tests/unit/story.h"

namespace blackstart {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string text(const Story& story, bool colour = false) { return to_text(story.experiment, story.verdict(), colour); }
std::string json(const Story& story) { return to_json(story.experiment, story.verdict()); }

Story good() {
    Story story;
    story.expect(SuccessLimit{at_least(0.9, ">= 90%")}, "fault");
    story.expect(RecoversWithin{at(5), at(5), "lie", true});
    return story;
}

Story deviating() {
    Story story = good();
    story.the<event::Disarmed>().own_probe_hits = 4;
    story.expect(SuccessLimit{at_least(0.99, ">= 99%")}, "after");
    story.fail(3, 6);
    return story;
}

TEST(TextReport, OfARunThatHeld) {
    EXPECT_EQ(text(good()),
              R"(HELD: every expectation was met, every fault was proved, the host is whole
checks-lie: The pool keeps serving while every health check lies

injection proved  yes, 1 of 1
  lie on web: 36 hits
host restored     yes
expectations met  yes, 2 of 2
  held          success of customers during the fault: 100.00% (97.36% to 100.00%), limit >= 90%
  held          recovers_within of customers: undisturbed for 7.93s, limit 5s after lie.stop, hold
                5s
)");
}

TEST(TextReport, NamesTheFailingExpectationFirstWithFigureLimitAndMoment) {
    EXPECT_EQ(text(deviating()),
              R"(DEVIATED: success of customers during the fault: 70.00% (62.01% to 76.94%), limit >= 90%
checks-lie: The pool keeps serving while every health check lies

  deviated      success of customers during the fault
    observed    70.00% (62.01% to 76.94%), in 100 samples
    limit       >= 90%
    at          3.030s from t0: status 503
    explained   customers around then: ok in 10ms, ok in 10ms, [status 503], status 503, status 503
                1.03s before, at 2.000s: lie was armed on web
                8.97s after, at 12.000s: lie ended on web

  inconclusive  success of customers after the last fault
    observed    100.00% (96.72% to 100.00%), in 80 samples
    limit       >= 99%
    because     80 samples where 268 without an exception would prove it

injection proved  yes, 1 of 1
  lie on web: 36 hits, 4 of them our own probes'
host restored     yes
expectations met  no, 1 of 3
  deviated      success of customers during the fault: 70.00% (62.01% to 76.94%), limit >= 90%
  held          recovers_within of customers: undisturbed for 7.93s, limit 5s after lie.stop, hold
                5s
  inconclusive  success of customers after the last fault: 100.00% (96.72% to 100.00%), limit >= 99%
)");
}

TEST(TextReport, OfARunThatProvesNothing) {
    Story story = good();
    story.the<event::Disarmed>().tally = {};
    story.the<event::Restored>() = {false, {"link bsd0"}};
    story.fail(-4, -3, "timeout");
    EXPECT_EQ(text(story),
              R"(INCONCLUSIVE: the host is not whole: link bsd0
checks-lie: The pool keeps serving while every health check lies

baseline held     no, customers was ok in 80.00% of 50 observations only, and 95% is needed: timeout
injection proved  no, 0 of 1
  lie on web: 0 hits; not proved: it hit nothing
host restored     no
expectations met  yes, 2 of 2
  held          success of customers during the fault: 100.00% (97.36% to 100.00%), limit >= 90%
  held          recovers_within of customers: undisturbed for 7.93s, limit 5s after lie.stop, hold
                5s
)");
}

TEST(TextReport, FitsIn100ColumnsAndLeavesTheTerminalAlone) {
    Story story = deviating();
    story.experiment.title = std::string(300, 'x') + " ü " + std::string(250, 'y');
    story.change(3, 6, [](event::Observed& seen) {
        seen.why =
            "banner \x1b[2J\xc2\x9b"
            "2J\r\n";
        for (int i = 0; i < 300; i++) seen.why += "ü";
    });
    std::istringstream lines(text(story));
    for (std::string line; std::getline(lines, line);) {
        const auto characters =
            std::count_if(line.begin(), line.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; });
        EXPECT_LE(characters, 100) << line;
    }
    EXPECT_THAT(text(story), Not(HasSubstr("\x1b")));
    EXPECT_THAT(text(story), Not(HasSubstr("\xc2\x9b")));
    EXPECT_THAT(text(story), Not(HasSubstr("\r")));
}

TEST(TextReport, HasColourOnlyWhenAsked) {
    const std::string plain = text(deviating());
    std::string coloured = text(deviating(), true);
    EXPECT_THAT(coloured, HasSubstr("\x1b[1;31mDEVIATED: \x1b[0m"));
    for (std::size_t from = coloured.find('\x1b'); from != std::string::npos; from = coloured.find('\x1b')) {
        coloured.erase(from, coloured.find('m', from) - from + 1);
    }
    EXPECT_EQ(coloured, plain);
    EXPECT_FALSE(wants_colour(-1));
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    EXPECT_FALSE(wants_colour(ends[1]));
    ::close(ends[0]);
    ::close(ends[1]);
}

TEST(JsonReport, HasItsKeysInOrder) {
    Story story = deviating();
    story.experiment.expectations.resize(2);
    EXPECT_EQ(std::ranges::count(json(story), '\n'), 1);  // one line: NDJSON
    EXPECT_EQ(nlohmann::ordered_json::parse(json(story)).dump(2), R"json({
  "format": "blackstart-verdict/1.0",
  "experiment": "checks-lie",
  "verdict": "deviated",
  "exit_code": 1,
  "reason": "success of customers during the fault: 70.00% (62.01% to 76.94%), limit >= 90%",
  "restored": true,
  "baseline": true,
  "baseline_why": "",
  "faults": [
    {
      "name": "lie",
      "target": "web",
      "hits": 36,
      "own_probe_hits": 4,
      "proved": true,
      "why": ""
    }
  ],
  "expectations": [
    {
      "index": 0,
      "probe": "customers",
      "condition": "success",
      "during": "fault",
      "outcome": "deviated",
      "observed": "70.00% (62.01% to 76.94%)",
      "limit": ">= 90%",
      "samples": 100,
      "at": 3.03,
      "why": "status 503",
      "explanation": [
        "customers around then: ok in 10ms, ok in 10ms, [status 503], status 503, status 503",
        "1.03s before, at 2.000s: lie was armed on web",
        "8.97s after, at 12.000s: lie ended on web"
      ]
    },
    {
      "index": 1,
      "probe": "customers",
      "condition": "recovers_within",
      "during": "",
      "outcome": "held",
      "observed": "undisturbed for 7.93s",
      "limit": "5s after lie.stop, hold 5s",
      "samples": 80,
      "at": null,
      "why": "",
      "explanation": []
    }
  ]
})json");
    ;
}

TEST(JsonReport, SaysNullWhereOwnProbesCannotBeTold) { EXPECT_THAT(json(good()), HasSubstr("\"own_probe_hits\":null")); }

struct Commas : std::numpunct<char> {
    char do_decimal_point() const override { return ','; }
    char do_thousands_sep() const override { return '.'; }
    std::string do_grouping() const override { return "\1"; }
};

TEST(Reports, DoNotDependOnTheLocale) {
    const std::string as_text = text(deviating()), as_json = json(deviating());
    const std::locale before = std::locale::global(std::locale(std::locale::classic(), new Commas));
    EXPECT_EQ(text(deviating()), as_text);
    EXPECT_EQ(json(deviating()), as_json);
    std::locale::global(before);
}

}  // namespace
}  // namespace blackstart
