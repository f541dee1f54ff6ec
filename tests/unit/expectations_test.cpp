#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "experiments/expectations/figures.h"
#include "experiments/expectations/latency.h"
#include "experiments/expectations/wilson.h"
#include "tests/unit/story.h"

namespace blackstart {
namespace {

using testing::HasSubstr;

// --- the interval ---

TEST(Wilson, TwoHundredAndSixtyEightCleanSamplesHold99Percent) {
    EXPECT_GE(wilson(268, 268).low, 0.99);
    EXPECT_LT(wilson(267, 267).low, 0.99);
    EXPECT_EQ(clean_samples(0.99), 268U);
    EXPECT_EQ(clean_samples(0.5), 3U);
    EXPECT_EQ(clean_samples(0), 1U);
    EXPECT_EQ(clean_samples(1), 0U);
}

TEST(Wilson, EndsAreExactWhereNothingContradicts) {
    EXPECT_EQ(wilson(7, 7).high, 1);
    EXPECT_EQ(wilson(0, 7).low, 0);
    EXPECT_LT(wilson(9999, 10000).high, 1);
    EXPECT_NEAR(wilson(8, 10).low, 0.541, 0.001);
    EXPECT_NEAR(wilson(8, 10).high, 0.931, 0.001);
}

TEST(Figures, AreNeverBetterThanTheyAre) {
    EXPECT_EQ(percent(99999, 100000), "99.99%");
    EXPECT_EQ(percent(5, 5), "100.00%");
    EXPECT_EQ(percent_down(0.98997), "98.99%");
    EXPECT_EQ(percent_up(0.98991), "99.00%");
    EXPECT_EQ(duration(at(10.0000001)), "10.001s");
    EXPECT_EQ(duration(at(0.25)), "250ms");
    EXPECT_EQ(duration(Time(250'000'001)), "250.001ms");
    EXPECT_EQ(duration(Time(999'999'999)), "1s");
    EXPECT_EQ(duration(at(90)), "90s");
    EXPECT_EQ(duration(Time(0)), "0s");
    EXPECT_EQ(duration(Time(1)), "0.001ms");
    EXPECT_EQ(moment(at(4.1029)), "4.102s");
    EXPECT_EQ(moment(at(-0.5)), "-0.500s");
}

// --- success ---

// The fault lasts 10 s, 100 observations: 95% needs 52 clean ones.
Story success_story(int failures, const Limit& limit = at_least(0.95, ">= 95%")) {
    Story story;
    story.expect(SuccessLimit{limit}, "fault");
    story.fail(2, 2 + failures * Story::every);
    return story;
}

TEST(Success, HoldsStraddlesAndDeviates) {
    EXPECT_EQ(success_story(0).outcome(), Outcome::held);
    EXPECT_EQ(success_story(1).outcome(), Outcome::held);          // 95.6% to 99.8%
    EXPECT_EQ(success_story(2).outcome(), Outcome::inconclusive);  // 94.1% to 99.4%
    EXPECT_EQ(success_story(8).outcome(), Outcome::inconclusive);  // 86.4% to 95.4%
    EXPECT_EQ(success_story(9).outcome(), Outcome::deviated);      // 85.2% to 94.7%
}

TEST(Success, DeviationNamesItsFigureLimitAndMoment) {
    const Finding finding = success_story(30).finding();
    EXPECT_EQ(finding.outcome, Outcome::deviated);
    EXPECT_EQ(finding.observed, "70.00% (62.01% to 76.94%)");
    EXPECT_EQ(finding.limit, ">= 95%");
    EXPECT_EQ(finding.samples, 100U);
    EXPECT_EQ(finding.at, at(2.03));
    EXPECT_EQ(finding.why, "status 503");
}

TEST(Success, EachOperatorHasItsOwnSides) {
    const auto outcome = [](int failures, Limit::Op op, double share) { return success_story(failures, {op, share, "limit"}).outcome(); };
    EXPECT_EQ(outcome(100, Limit::Op::at_most, 0.05), Outcome::held);
    EXPECT_EQ(outcome(0, Limit::Op::at_most, 0.05), Outcome::deviated);
    EXPECT_EQ(outcome(95, Limit::Op::less, 0.05), Outcome::inconclusive);
    EXPECT_EQ(outcome(100, Limit::Op::less, 0), Outcome::deviated);
    EXPECT_EQ(outcome(0, Limit::Op::more, 1), Outcome::deviated);
    EXPECT_EQ(outcome(0, Limit::Op::more, 0.9), Outcome::held);
    EXPECT_EQ(outcome(0, Limit::Op::at_least, 1), Outcome::inconclusive);
    EXPECT_EQ(outcome(1, Limit::Op::at_least, 1), Outcome::deviated);
}

TEST(Success, SaysHowManySamplesWouldDo) {
    EXPECT_THAT(success_story(0, at_least(0.99, ">= 99%")).finding().why, HasSubstr("268"));
    EXPECT_THAT(success_story(0, at_least(1, ">= 100%")).finding().why, HasSubstr("no number of samples"));
    EXPECT_THAT(success_story(100, at_most(0.01, "<= 1%")).finding().why, HasSubstr("268"));
}

TEST(Success, AProbeThatDiedHoldsNothing) {
    Story story = success_story(0);
    story.silence(10.9, 12);  // 11 of 100: 89 clean ones would hold
    EXPECT_EQ(story.outcome(), Outcome::inconclusive);
    EXPECT_THAT(story.finding().why, HasSubstr("89 times where 100 were due"));
}

TEST(Success, WhatIsMissingCountsAgainstEitherAnswer) {
    Story one = success_story(1);
    one.silence(10, 10.1);  // one may fall on the edge
    EXPECT_EQ(one.outcome(), Outcome::held);
    Story three = success_story(1);
    three.silence(10, 10.3);  // 97 with one failure would hold; two more failures would not
    EXPECT_EQ(three.outcome(), Outcome::inconclusive);
    Story dead = success_story(30);
    dead.silence(7, 12);  // 30 of 50 failed: with 49 more successes still 70%
    EXPECT_EQ(dead.outcome(), Outcome::deviated);
    Story perhaps = success_story(4);
    perhaps.silence(4.8, 12);  // 4 of 28 failed, and everything after that may have been well
    EXPECT_EQ(perhaps.outcome(), Outcome::inconclusive);
}

TEST(Success, WithoutSamplesSaysNothing) {
    Story story = success_story(0);
    story.silence(-5, 20);
    EXPECT_EQ(story.outcome(), Outcome::inconclusive);
    EXPECT_EQ(story.finding().observed, "");
    story.experiment.expectations[0].probe = "nobody";
    EXPECT_EQ(story.outcome(), Outcome::inconclusive);
}

// --- latency ---

Story latency_story(const std::map<double, Limit>& quantiles, int slow) {
    Story story;
    story.expect(LatencyLimits{quantiles}, "fault");
    story.change(4, 4 + slow * Story::every, [](event::Observed& seen) { seen.latency = at(0.4); });
    return story;
}
const Limit quarter_second = at_most(250e6, "<= 250ms");

TEST(Latency, IsTheNearestRank) {
    EXPECT_EQ(nearest_rank({1, 2, 3, 4}, 0.5), 2);
    EXPECT_EQ(nearest_rank({1, 2, 3, 4}, 0.51), 3);
    EXPECT_EQ(nearest_rank({1, 2, 3, 4}, 1), 4);
    EXPECT_EQ(nearest_rank({1, 2, 3, 4}, 0), 1);
    std::vector<double> hundred(100);
    for (std::size_t i = 0; i < 100; i++) hundred[i] = static_cast<double>(i + 1);
    EXPECT_EQ(nearest_rank(hundred, 0.99), 99);
    EXPECT_EQ(nearest_rank(hundred, 0.07), 7);  // 0.07 · 100 is 7.000000000000001
    EXPECT_EQ(quantile_name(0.99), "p99");
    EXPECT_EQ(quantile_name(0.999), "p99.9");
    EXPECT_EQ(quantile_name(0.5), "p50");
}

TEST(Latency, HoldsAndDeviatesByOne) {
    EXPECT_EQ(latency_story({{0.99, quarter_second}}, 1).outcome(), Outcome::held);
    const Finding finding = latency_story({{0.99, quarter_second}}, 2).finding();
    EXPECT_EQ(finding.outcome, Outcome::deviated);
    EXPECT_EQ(finding.observed, "p99 400ms");
    EXPECT_EQ(finding.limit, "p99 <= 250ms");
    EXPECT_EQ(finding.at, at(4.03));
    EXPECT_EQ(finding.why, "took 400ms");
}

TEST(Latency, AFailureIsInfinite) {
    Story story = latency_story({{0.99, quarter_second}}, 0);
    story.fail(4, 4.2, "timeout");
    EXPECT_EQ(story.outcome(), Outcome::deviated);
    EXPECT_EQ(story.finding().observed, "p99 a failure");
    EXPECT_EQ(story.finding().why, "timeout");
}

TEST(Latency, TooFewSamplesForAQuantileSayNothing) {
    EXPECT_EQ(latency_story({{0.999, quarter_second}}, 0).outcome(), Outcome::inconclusive);
    EXPECT_THAT(latency_story({{0.999, quarter_second}}, 100).finding().why, HasSubstr("p99.9 needs 1000 samples, there are 100"));
    EXPECT_EQ(latency_story({{1, quarter_second}}, 0).outcome(), Outcome::inconclusive);
    Story ninety_nine = latency_story({{0.99, quarter_second}}, 0);
    ninety_nine.silence(5, 5.1);
    EXPECT_EQ(ninety_nine.outcome(), Outcome::inconclusive);
}

TEST(Latency, TheWorstQuantileDecides) {
    const Limit fast = at_most(20e6, "<= 20ms");
    EXPECT_EQ(latency_story({{0.5, fast}, {0.9, fast}}, 10).outcome(), Outcome::held);
    EXPECT_EQ(latency_story({{0.5, fast}, {0.9, fast}}, 11).outcome(), Outcome::deviated);
    EXPECT_EQ(latency_story({{0.5, fast}, {0.999, fast}}, 11).outcome(), Outcome::inconclusive);
    EXPECT_EQ(latency_story({{0.5, fast}, {0.999, fast}}, 51).outcome(), Outcome::deviated);
    EXPECT_EQ(latency_story({{0.5, fast}, {0.9, fast}}, 11).finding().observed, "p50 10ms, p90 400ms");
}

TEST(Latency, WhatIsMissingCountsAgainstEitherAnswer) {
    Story missing = latency_story({{0.9, quarter_second}}, 9);
    missing.silence(10, 10.3);  // 9 of 97 are slow; two more would be too many
    EXPECT_EQ(missing.outcome(), Outcome::inconclusive);
    Story dead = latency_story({{0.5, quarter_second}}, 0);
    dead.silence(7, 12);
    EXPECT_EQ(dead.outcome(), Outcome::inconclusive);
}

TEST(Latency, CanAskForMore) {
    const Limit slow{Limit::Op::at_least, 300e6, ">= 300ms"};
    EXPECT_EQ(latency_story({{0.5, slow}}, 60).outcome(), Outcome::held);
    EXPECT_EQ(latency_story({{0.5, slow}}, 40).outcome(), Outcome::deviated);
}

// --- recovers_within ---

// After lie.start, which is at 2 s.
Story recovery_story(double within, double hold, bool stop = false) {
    Story story;
    story.expect(RecoversWithin{at(within), at(hold), "lie", stop});
    return story;
}

TEST(RecoversWithin, HoldsWhenItIsWellAgainInTime) {
    Story story = recovery_story(5, 3);
    story.fail(4, 6);
    const Finding finding = story.finding();
    EXPECT_EQ(finding.outcome, Outcome::held) << finding.why;
    EXPECT_EQ(finding.observed, "detected after 2.03s, recovered after 4.03s");
    EXPECT_EQ(finding.limit, "5s after lie.start, hold 3s");
    EXPECT_EQ(finding.at, at(6.03 - 0.1));  // the last failure
}

TEST(RecoversWithin, DeviatesByOne) {
    Story in_time = recovery_story(5, 3);
    in_time.fail(4, 6.9);
    EXPECT_EQ(in_time.outcome(), Outcome::held);
    Story late = recovery_story(5, 3);
    late.fail(4, 7);
    EXPECT_EQ(late.outcome(), Outcome::deviated);
    EXPECT_EQ(late.finding().observed, "detected after 2.03s, recovered after 5.03s");
    EXPECT_EQ(late.finding().at, at(6.93));
    EXPECT_EQ(late.finding().why, "status 503");
}

TEST(RecoversWithin, CountsFromTheStopToo) {
    Story story = recovery_story(1, 3, true);
    story.fail(4, 12.8);  // the lie ends at 12 s
    EXPECT_EQ(story.outcome(), Outcome::held);
    EXPECT_EQ(story.finding().observed, "detected after 30ms, recovered after 830ms");
    story.fail(4, 13.1);
    EXPECT_EQ(story.outcome(), Outcome::deviated);
}

TEST(RecoversWithin, NeverDisturbedIsZeroSeconds) {
    const Finding finding = recovery_story(5, 3).finding();
    EXPECT_EQ(finding.outcome, Outcome::held) << finding.why;
    EXPECT_EQ(finding.observed, "undisturbed for 17.93s");
    EXPECT_EQ(finding.at, std::nullopt);
    EXPECT_EQ(recovery_story(5, 18).outcome(), Outcome::inconclusive);  // 18 s are left of the window
}

TEST(RecoversWithin, ShortWellSpellsAreNoRecovery) {
    Story story = recovery_story(5, 3);
    story.fail(3, 4);
    story.fail(6.9, 7);  // the first good spell lasts 2.9 s from observation to observation
    EXPECT_EQ(story.outcome(), Outcome::deviated);
    EXPECT_EQ(story.finding().observed, "detected after 1.03s, recovered after 5.03s");
}

TEST(RecoversWithin, ARelapseDeviates) {
    Story story = recovery_story(10, 3);
    story.fail(3, 4);
    story.fail(18, 18.1, "timeout");
    const Finding finding = story.finding();
    EXPECT_EQ(finding.outcome, Outcome::deviated);
    EXPECT_EQ(finding.observed, "detected after 1.03s, recovered after 2.03s, relapsed after 16.03s");
    EXPECT_EQ(finding.at, at(18.03));
    EXPECT_EQ(finding.why, "timeout");
    story.experiment.expectations[0].during = "lie";  // what follows the lie is not asked
    EXPECT_EQ(story.outcome(), Outcome::held);
}

TEST(RecoversWithin, AWindowThatEndsBeforeHoldIsInconclusive) {
    Story story = recovery_story(16, 5);
    story.fail(3, 16);
    EXPECT_EQ(story.outcome(), Outcome::inconclusive);
    EXPECT_THAT(story.finding().why, HasSubstr("before 5s could hold"));
    story.experiment.expectations[0].condition = RecoversWithin{at(13.9), at(5), "lie", false};
    EXPECT_EQ(story.outcome(), Outcome::deviated);  // too late already, whatever came after
}

TEST(RecoversWithin, NeverWellAgainDeviates) {
    Story story = recovery_story(10, 3);
    story.fail(3, 20);
    EXPECT_EQ(story.outcome(), Outcome::deviated);
    EXPECT_THAT(story.finding().observed, HasSubstr("not recovered"));
    story.experiment.expectations[0].condition = RecoversWithin{at(18), at(3), "lie", false};
    EXPECT_EQ(story.outcome(), Outcome::inconclusive);  // the window is over before the limit
}

TEST(RecoversWithin, ASilentProbeHoldsNothing) {
    Story relapse_unseen = recovery_story(5, 5);
    relapse_unseen.fail(4, 5);
    relapse_unseen.silence(14, 15.1);  // well under a tenth of the window, but 1.1 s could hide a failure
    EXPECT_EQ(relapse_unseen.outcome(), Outcome::inconclusive);
    EXPECT_THAT(relapse_unseen.finding().why, HasSubstr("silent for 1.2s from 13.930s"));
    Story died = recovery_story(5, 5);
    died.silence(17, 20);
    EXPECT_EQ(died.outcome(), Outcome::inconclusive);
    Story began_late = recovery_story(5, 5);
    began_late.silence(2, 3.5);
    EXPECT_EQ(began_late.outcome(), Outcome::inconclusive);
    Story recovered_unseen = recovery_story(3, 5);
    recovered_unseen.fail(3, 4);
    recovered_unseen.silence(4, 5.5);  // ok at 5.53, which is late; but since when?
    EXPECT_EQ(recovered_unseen.outcome(), Outcome::inconclusive);
}

TEST(RecoversWithin, NeedsTheEventAndAWindowAfterIt) {
    Story never = recovery_story(5, 3);
    never.forget<event::Armed>();
    EXPECT_EQ(never.outcome(), Outcome::inconclusive);
    Story endless = recovery_story(5, 3, true);
    endless.forget<event::Disarmed>();
    EXPECT_EQ(endless.outcome(), Outcome::inconclusive);
    Story over = recovery_story(5, 3, true);
    over.experiment.expectations[0].during = "lie";
    EXPECT_EQ(over.outcome(), Outcome::inconclusive);
}

// --- never_empty ---

Story value_story(double from, double to, std::optional<Value> value) {
    Story story;
    story.expect(NeverEmpty{}, "fault");
    story.change(from, to, [&](event::Observed& seen) { seen.value = value; });
    return story;
}

TEST(NeverEmpty, OneEmptyValueDeviates) {
    EXPECT_EQ(value_story(4, 4, {}).outcome(), Outcome::held);
    const Finding finding = value_story(4, 4.1, std::vector<std::string>{}).finding();
    EXPECT_EQ(finding.outcome, Outcome::deviated);
    EXPECT_EQ(finding.observed, "empty in 1 of 100 values");
    EXPECT_EQ(finding.at, at(4.03));
    EXPECT_EQ(value_story(4, 4.1, std::string()).outcome(), Outcome::deviated);
    EXPECT_EQ(value_story(4, 4.1, std::string("0")).outcome(), Outcome::held);
}

TEST(NeverEmpty, APoolOfNoneIsEmpty) {
    EXPECT_EQ(value_story(4, 4.1, 1.0).outcome(), Outcome::held);
    const Finding finding = value_story(4, 4.1, 0.0).finding();
    EXPECT_EQ(finding.outcome, Outcome::deviated);
    EXPECT_EQ(finding.why, "the value was 0");
}

TEST(NeverEmpty, NoReplyIsNeitherEmptyNorAValue) {
    EXPECT_EQ(value_story(4, 4.5, std::nullopt).outcome(), Outcome::held);
    EXPECT_EQ(value_story(4, 4.6, std::nullopt).outcome(), Outcome::inconclusive);
    EXPECT_EQ(value_story(2, 12, std::nullopt).outcome(), Outcome::inconclusive);
}

TEST(NeverEmpty, AFailedReplyStillHasAValue) {
    Story story = value_story(4, 4.1, std::vector<std::string>{});
    story.fail(4, 4.1, "nxdomain");
    EXPECT_EQ(story.outcome(), Outcome::deviated);
    EXPECT_THAT(story.finding().why, HasSubstr("nxdomain"));
}

TEST(NeverEmpty, MissingObservationsHaveNoValue) {
    Story story = value_story(4, 4.2, std::nullopt);
    story.silence(10, 10.3);
    EXPECT_EQ(story.outcome(), Outcome::held);  // 2 and 2 more of 99
    story.silence(10, 10.4);                    // 2 and 3 more
    EXPECT_EQ(story.outcome(), Outcome::inconclusive);
    Story died = value_story(4, 4.1, std::vector<std::string>{});
    died.silence(5, 12);
    EXPECT_EQ(died.outcome(), Outcome::deviated);  // certain all the same
    died.silence(4, 5);
    EXPECT_EQ(died.outcome(), Outcome::inconclusive);
}

}  // namespace
}  // namespace blackstart
