// What a verdict says of an expectation that was not met.
#include "experiments/expectations/explanation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "experiments/report/json.h"
#include "experiments/report/text.h"
#include "tests/unit/story.h"

namespace blackstart {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

std::vector<std::string> explained(const Story& story) { return story.verdict().expectations.at(0).explanation; }

Story deviating() {
    Story story;
    story.add_probe("pool");
    story.observe("pool", -5, Story::duration);
    story.change(
        3, 20, [](event::Observed& seen) { seen.value = std::vector<std::string>{}; }, "pool");
    story.add(3.5, event::Service{"haproxy", "restarted"});
    story.expect(SuccessLimit{at_least(0.95, ">= 95%")}, "fault");
    story.fail(4, 9);
    return story;
}

TEST(Explanation, ShowsTheValuesAroundAndWhatCameBeforeAndAfter) {
    EXPECT_THAT(explained(deviating()),
                ElementsAre("customers around then: ok in 10ms, ok in 10ms, [status 503], status 503, status 503",
                            "1s before, at 3.030s: pool went from 10.0.0.1 to nothing",
                            "530ms before, at 3.500s: service haproxy restarted", "7.97s after, at 12.000s: lie ended on web"));
}

TEST(Explanation, IsInTheTextAndInTheJson) {
    const Story story = deviating();
    const Verdict verdict = story.verdict();
    EXPECT_THAT(to_text(story.experiment, verdict, false), HasSubstr("service haproxy restarted"));
    EXPECT_THAT(to_json(story.experiment, verdict), HasSubstr("\"530ms before, at 3.500s: service haproxy restarted\""));
}

TEST(Explanation, TellsWhatHappenedWhileTheObservationWentOn) {
    Story story;  // the lie is armed at 2 s
    story.expect(SuccessLimit{at_least(0.95, ">= 95%")});
    story.fail(1.9, 6);
    story.change(1.9, 2, [](event::Observed& seen) { seen.latency = at(0.2); });
    EXPECT_THAT(explained(story), ElementsAre(HasSubstr("[status 503]"), "meanwhile, at 2.000s: lie was armed on web",
                                              "10.07s after, at 12.000s: lie ended on web"));
}

TEST(Explanation, OfValuesShowsThem) {
    Story story;
    story.expect(NeverEmpty{});
    story.change(8, 8.1, [](event::Observed& seen) { seen.value = std::vector<std::string>{}; });
    EXPECT_EQ(explained(story).at(0), "customers around then: 10.0.0.1, 10.0.0.1, [nothing], 10.0.0.1, 10.0.0.1");
}

TEST(Explanation, IsFiveLinesAtTheMost) {
    Story story = deviating();
    for (int i = 0; i < 20; i++) story.add(i, event::Service{"haproxy", "restarted"});
    EXPECT_THAT(explained(story), SizeIs(5));
}

TEST(Explanation, OfAMeterShowsItsSeconds) {
    Story story;
    for (int i = -5; i < 20; i++) story.add(i, event::Counted{"retries", i == 7 ? 99U : 10U, at(1)});
    story.expect(Amplification{at_most(3, "<= 3x"), "retries"}, "", "");
    EXPECT_EQ(explained(story).at(0), "retries around then: 10 in 1s, 10 in 1s, [99 in 1s], 10 in 1s, 10 in 1s");
}

TEST(Explanation, IsNotNeededForWhatHeldAndNotPossibleWithoutAMoment) {
    Story held = deviating();
    held.change(-5, 20, [](event::Observed& seen) { seen.ok = true; });
    EXPECT_THAT(explained(held), IsEmpty());
    Story unclear = deviating();
    unclear.silence(-5, 20);
    EXPECT_THAT(explained(unclear), IsEmpty());
}

}  // namespace
}  // namespace blackstart
