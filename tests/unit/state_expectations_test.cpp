// Expectations of states over time, on histories made by hand: max_transitions, flap, agrees_with.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/story.h"

namespace blackstart {
namespace {

using testing::HasSubstr;

// --- max_transitions ---

Story flap_story(int most, const std::vector<double>& failures) {
    Story story;
    story.expect(MaxTransitions{most});
    for (const double t : failures) story.fail(t, t + Story::every);
    return story;
}

TEST(MaxTransitions, HoldsAndDeviatesByOne) {
    EXPECT_EQ(flap_story(0, {}).outcome(), Outcome::held);
    EXPECT_EQ(flap_story(4, {3, 5}).outcome(), Outcome::held);
    const Finding finding = flap_story(3, {3, 5}).finding();
    EXPECT_EQ(finding.outcome, Outcome::deviated);
    EXPECT_EQ(finding.observed, "4 transitions");
    EXPECT_EQ(finding.limit, "<= 3 transitions");
    EXPECT_EQ(finding.at, at(5.13));
    EXPECT_EQ(flap_story(2, {3, 3.1}).outcome(), Outcome::held);  // one spell
    EXPECT_EQ(flap_story(1, {19.9}).outcome(), Outcome::held);
}

TEST(MaxTransitions, WhatIsMissingMayHideChanges) {
    Story hidden = flap_story(2, {});
    hidden.silence(10, 10.3);
    EXPECT_EQ(hidden.outcome(), Outcome::inconclusive);
    Story enough = flap_story(4, {});
    enough.silence(10, 10.3);
    EXPECT_EQ(enough.outcome(), Outcome::held);
    Story died = flap_story(100, {});
    died.silence(10, 20);
    EXPECT_EQ(died.outcome(), Outcome::inconclusive);
    died.silence(-5, 20);
    EXPECT_EQ(died.outcome(), Outcome::inconclusive);
    Story flapped = flap_story(1, {3, 5});
    flapped.silence(10, 20);
    EXPECT_EQ(flapped.outcome(), Outcome::deviated);
}

// --- flap: 21 states in 20 s, one each second ---

Story flapping(double limit, const std::vector<double>& bad_seconds) {
    Story story;
    story.expect(Flap{at_most(limit, "limit")});
    for (const double t : bad_seconds) story.fail(t - 0.5, t + 0.5);
    return story;
}

TEST(Flap, IsNagiosMeasure) {
    EXPECT_EQ(flapping(0, {}).outcome(), Outcome::held);
    EXPECT_EQ(flapping(0, {}).finding().observed, "0.00%");
    // One change, the first of twenty, weighs 0.75; the last 1.25: 100/20 of that.
    EXPECT_EQ(flapping(1, {0}).finding().observed, "3.75%");
    EXPECT_EQ(flapping(1, {20}).finding().observed, "6.25%");
    // All of them: 0.75 to 1.25 are 1 on average.
    EXPECT_EQ(flapping(1, {0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20}).finding().observed, "100.00%");
}

TEST(Flap, HoldsAndDeviatesByOne) {
    // Changes at 5, 6, 10 and 11 s: i is one of 5, 6, 10, 11.
    const double share = (4 * 0.75 + 0.5 * (4 + 5 + 9 + 10) / 19) / 20;
    EXPECT_EQ(flapping(share + 1e-6, {5, 10}).outcome(), Outcome::held);
    const Finding finding = flapping(share - 1e-6, {5, 10}).finding();
    EXPECT_EQ(finding.outcome, Outcome::deviated);
    EXPECT_EQ(finding.at, at(10.93));  // the newest change, as the state then shows it
    EXPECT_EQ(flapping(0.2, {5, 10, 15}).outcome(), Outcome::deviated);
}

TEST(Flap, ASpellBetweenTwoStatesIsNotSeen) {
    Story story = flapping(0, {});
    story.fail(5.2, 5.7);
    EXPECT_EQ(story.outcome(), Outcome::held);
}

TEST(Flap, NeedsTwentyOneStates) {
    Story none = flapping(0, {});
    none.silence(-5, 20);
    EXPECT_EQ(none.outcome(), Outcome::inconclusive);
    Story died = flapping(0, {5, 10});
    died.silence(15, 20);
    EXPECT_EQ(died.outcome(), Outcome::inconclusive);
    Story silent = flapping(0, {5, 10});
    silent.silence(7.5, 9.2);  // the state at 9 s
    EXPECT_EQ(silent.outcome(), Outcome::inconclusive);
    EXPECT_THAT(silent.finding().why, HasSubstr("silent at 9.000s"));
    Story few = flapping(1, {});
    few.experiment.probes[0].every = at(1);
    few.history.events.erase(few.history.events.begin() + 6, few.history.events.end());
    for (int i = -5; i < 20; i++) few.add(i, event::Observed{"customers", true, "", at(0.01), std::nullopt});
    EXPECT_EQ(few.outcome(), Outcome::inconclusive);
    EXPECT_THAT(few.finding().why, HasSubstr("20 observations, and 21 are needed"));
}

TEST(Flap, LeavesOutThePausesOfItsWindow) {
    Story story = flapping(0, {});
    story.add_fault("again", {"web"}, 16, 2);
    story.add(16, event::Armed{"again", "web", "tcx"});
    story.add(18, event::Disarmed{"again", "web", {9, 9, 0, 0, false}, std::nullopt});
    story.experiment.expectations[0].during = "fault";  // 2 s to 12 s, and 16 s to 18 s
    story.fail(12, 16);
    EXPECT_EQ(story.outcome(), Outcome::held);
    story.fail(16, 18);
    EXPECT_EQ(story.outcome(), Outcome::deviated);
}

// --- agrees_with ---

Story agreeing(double limit) {
    Story story;
    story.add_probe("checker");
    story.observe("checker", -5, Story::duration);
    story.expect(AgreesWith{"customers", at_most(limit, "<= limit")}, "", "checker");
    return story;
}

TEST(AgreesWith, IsWeightedByTime) {
    EXPECT_EQ(agreeing(0).outcome(), Outcome::held);
    EXPECT_EQ(agreeing(0).finding().observed, "disagreed for 0s of 20s: 0.00%");
    Story story = agreeing(0.05);
    story.fail(6, 7);  // customers fail, the checker does not see it: one of twenty seconds
    EXPECT_EQ(story.outcome(), Outcome::held);
    EXPECT_EQ(story.finding().observed, "disagreed for 1s of 20s: 5.00%");
    story.fail(7, 7.1);
    const Finding finding = story.finding();
    EXPECT_EQ(finding.outcome, Outcome::deviated);
    EXPECT_EQ(finding.limit, "disagreement with customers <= limit");
    EXPECT_EQ(finding.at, at(6.03));
    story.fail(6, 7.1, "down", "checker");  // both: they agree again
    EXPECT_EQ(story.outcome(), Outcome::held);
}

TEST(AgreesWith, AStateHoldsUntilTheNextObservation) {
    Story story = agreeing(0.05);
    story.experiment.probes[1].every = at(1);  // a checker that looks once a second
    story.silence(-5, 20, "checker");
    for (int i = -5; i < 20; i++) story.add(i, event::Observed{"checker", i != 8, i != 8 ? "" : "down", at(0.01), std::nullopt});
    EXPECT_EQ(story.outcome(), Outcome::held);  // one second, though it is one observation of 20, and ten of customers' 200
    EXPECT_EQ(story.finding().observed, "disagreed for 1s of 20s: 5.00%");
}

TEST(AgreesWith, SilenceCountsAgainstEitherAnswer) {
    Story straddles = agreeing(0.05);
    straddles.silence(10, 11.3);  // well under a tenth; what it would have said for a second is not known
    straddles.fail(5, 5.5);
    EXPECT_EQ(straddles.outcome(), Outcome::inconclusive);
    EXPECT_THAT(straddles.finding().why, HasSubstr("one of the two was silent"));
    Story certain = agreeing(0.05);
    certain.silence(12, 20, "checker");
    certain.fail(5, 7);
    EXPECT_EQ(certain.outcome(), Outcome::deviated);
    Story died = agreeing(0.9);
    died.silence(12, 20, "checker");
    EXPECT_EQ(died.outcome(), Outcome::inconclusive);
    Story none = agreeing(0.05);
    none.silence(-5, 20, "customers");
    EXPECT_EQ(none.outcome(), Outcome::inconclusive);
    EXPECT_THAT(none.finding().why, HasSubstr("customers: the probe observed nothing"));
}

TEST(AgreesWith, BothProbesNeedASteadyBaseline) {
    Story story = agreeing(0.05);
    story.fail(-4, -3, "down", "customers");
    EXPECT_EQ(story.verdict().exit_code, 3);
    EXPECT_THAT(story.verdict().reason, HasSubstr("customers was ok in 80.00%"));
}

}  // namespace
}  // namespace blackstart
