#include "experiments/expectations/windows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "tests/unit/story.h"

namespace blackstart {
namespace {

std::size_t samples(const Story& story, const std::string& during) {
    return Timeline(story.experiment, story.history).evidence(story.experiment.probes[0], during).samples.size();
}

Story two_faults() {
    Story story;
    story.add_fault("slow", {"db", "cache"}, 14, 3);
    story.add(14, event::Armed{"slow", "db", "tcx"});
    story.add(14.5, event::Armed{"slow", "cache", "tcx"});
    story.add(17, event::Disarmed{"slow", "db", {1, 1, 0, 0, false}, std::nullopt});
    story.add(17.5, event::Disarmed{"slow", "cache", {1, 1, 0, 0, false}, std::nullopt});
    return story;
}

TEST(Windows, AreAsRecorded) {
    const Story story = two_faults();
    EXPECT_EQ(samples(story, "baseline"), 50U);
    EXPECT_EQ(samples(story, ""), 200U);
    EXPECT_EQ(samples(story, "lie"), 100U);
    EXPECT_EQ(samples(story, "slow"), 35U);    // over all its targets
    EXPECT_EQ(samples(story, "fault"), 135U);  // not the time between the two
    EXPECT_EQ(samples(story, "after"), 25U);   // since the last one ended
    EXPECT_EQ(samples(story, "unknown"), 0U);
}

TEST(Windows, AnObservationBelongsToTheOneInWhichItStarted) {
    Story story;
    story.silence(-5, 20);
    for (const double t : {-0.000000001, 0.0, 1.999999999, 2.0, 11.999999999, 12.0}) {
        story.add(t, event::Observed{"customers", true, "", at(5), std::nullopt});
    }
    EXPECT_EQ(samples(story, "baseline"), 1U);
    EXPECT_EQ(samples(story, ""), 5U);
    EXPECT_EQ(samples(story, "lie"), 2U);
    EXPECT_EQ(samples(story, "after"), 1U);
}

TEST(Windows, WithoutTheirEventsThereAreNone) {
    Story no_t0;
    no_t0.forget<event::T0>();
    EXPECT_EQ(samples(no_t0, ""), 0U);
    EXPECT_EQ(samples(no_t0, "fault"), 0U);
    Story endless;
    endless.forget<event::Disarmed>();
    EXPECT_EQ(samples(endless, "after"), 0U);
    EXPECT_EQ(samples(endless, "lie"), 180U);
    Story lost;
    lost.forget<event::Disarmed>();
    lost.add(7, event::Lost{"lie", "web", "the target went away"});
    EXPECT_EQ(samples(lost, "lie"), 50U);
    EXPECT_EQ(samples(lost, "after"), 130U);
    Story never;
    never.forget<event::Armed>();
    EXPECT_EQ(samples(never, "lie"), 0U);
    EXPECT_EQ(samples(never, "after"), 0U);
}

TEST(Windows, MissingObservationsAreCounted) {
    Story story;
    const auto evidence = [&](const std::string& during) {
        return Timeline(story.experiment, story.history).evidence(story.experiment.probes[0], during);
    };
    for (const char* during : {"baseline", "", "lie", "fault", "after"}) EXPECT_EQ(evidence(during).missing(), 0U) << during;
    story.silence(10, 20);
    EXPECT_EQ(evidence("").missing(), 99U);
    EXPECT_TRUE(evidence("").too_few());
    EXPECT_EQ(evidence("after").missing(), 79U);
    EXPECT_EQ(evidence("lie").missing(), 19U);
    EXPECT_EQ(evidence("baseline").missing(), 0U);
}

Story busy_story(Time t0) {
    Story story(t0);
    story.add_probe("names");
    story.observe("names", -5, 20);
    story.fail(3, 6);
    story.fail(6, 7, "timeout", "names");
    story.expect(SuccessLimit{at_least(0.9, ">= 90%")}, "fault");
    story.expect(LatencyLimits{{{0.9, at_most(1e6, "<= 1ms")}}});
    story.expect(RecoversWithin{at(5), at(3), "lie", false});
    story.expect(NeverEmpty{}, "", "names");
    story.expect(MaxTransitions{1}, "", "names");
    return story;
}

std::string told(const Verdict& verdict) {
    std::string text = verdict.reason;
    for (const Judged& judged : verdict.expectations) {
        const Finding& f = judged.finding;
        text += "\n" + f.observed + "|" + f.why + "|" + to_string(f.outcome) + "|" + std::to_string(f.at.value_or(Time(-1)).count());
    }
    return text;
}

TEST(Judging, DoesNotDependOnWhereTheOriginLies) {
    const std::string expected = told(busy_story(at(5)).verdict());
    for (const double t0 : {0.0, -1000.5, 3.0e8, 1234.000000001}) EXPECT_EQ(told(busy_story(at(t0)).verdict()), expected) << t0;
}

TEST(Judging, DoesNotDependOnTheOrderOfLines) {
    Story story = busy_story(at(5));
    for (int i = 0; i < 30; i++) {  // both answers at one time
        story.add(8, event::Observed{"customers", i % 2 == 0, i % 3 == 0 ? "a" : "b", at(0.001 * i), std::nullopt});
    }
    story.add(19, event::Restored{true, {}});
    const std::string expected = told(story.verdict());
    std::mt19937 random(7);
    for (int i = 0; i < 20; i++) {
        std::shuffle(story.history.events.begin(), story.history.events.end(), random);
        EXPECT_EQ(told(story.verdict()), expected);
    }
}

}  // namespace
}  // namespace blackstart
