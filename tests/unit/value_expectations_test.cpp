// Expectations of values, on histories made by hand: never_backwards, never_below, velocity, max_undos, exactly.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "experiments/expectations/values.h"
#include "tests/unit/story.h"

namespace blackstart {
namespace {

using testing::HasSubstr;
using Set = std::vector<std::string>;

// Every observation has this value.
Story valued(const Condition& condition, const Value& value, const std::string& during = "") {
    Story story;
    story.expect(condition, during);
    story.change(-5, 20, [&](event::Observed& seen) { seen.value = value; });
    return story;
}
void set(Story& story, double from, double to, std::optional<Value> value) {
    story.change(from, to, [&](event::Observed& seen) { seen.value = value; });
}

// What every value condition has in common: a story that holds, and what takes its evidence away.
void expect_evidence_needed(const Story& holds) {
    EXPECT_EQ(holds.outcome(), Outcome::held) << holds.finding().why;
    Story stepped = holds;
    stepped.history.origin = "2001-01-01T00:00:00.000000000Z";  // a wall clock that was set: the timeline does not know it
    EXPECT_EQ(stepped.finding().observed, holds.finding().observed);
    Story none = holds;
    none.silence(-5, 20);
    EXPECT_EQ(none.outcome(), Outcome::inconclusive);
    Story died = holds;
    died.silence(10, 20);
    EXPECT_EQ(died.outcome(), Outcome::inconclusive);
    Story speechless = holds;
    set(speechless, 5, 6.1, std::nullopt);  // 11 of 200
    EXPECT_EQ(speechless.outcome(), Outcome::inconclusive);
    EXPECT_THAT(speechless.finding().why, HasSubstr("over 5%"));
    Story unproved = holds;
    unproved.the<event::Disarmed>().tally.hits = 0;
    EXPECT_EQ(unproved.verdict().exit_code, 3);
    EXPECT_EQ(unproved.outcome(), Outcome::held);  // met, but proves nothing
    Story over = holds;
    over.experiment.expectations[0].during = "nobody";
    EXPECT_EQ(over.outcome(), Outcome::inconclusive);
}

TEST(Values, AreReadAsGenerationsAndAsAmounts) {
    EXPECT_EQ(number(7.5), 7.5);
    EXPECT_EQ(number(std::string("7")), 7);
    EXPECT_EQ(number(Set{"2025102001"}), 2025102001);
    EXPECT_EQ(number(Set{"1", "2"}), std::nullopt);
    EXPECT_EQ(number(std::string("7a")), std::nullopt);
    EXPECT_EQ(number(std::string("inf")), std::nullopt);
    EXPECT_EQ(number(std::string()), std::nullopt);
    EXPECT_EQ(amount(Set{"10.0.0.1", "10.0.0.2"}), 2);
    EXPECT_EQ(amount(Set{}), 0);
    EXPECT_EQ(amount(std::string("3")), 3);
    EXPECT_EQ(removed(Set{"a", "b"}, Set{"b", "c"}), 1);
    EXPECT_EQ(removed(4.0, 1.0), 3);
    EXPECT_EQ(removed(1.0, 4.0), 0);
    EXPECT_EQ(value_text(Set{"a", "b"}), "a, b");
    EXPECT_EQ(value_text(Set{}), "nothing");
    EXPECT_EQ(value_text(2025102001.0), "2025102001");
    EXPECT_EQ(value_text(std::string(70, 'x')), std::string(60, 'x') + "…");
}

// --- never_backwards ---

TEST(NeverBackwards, OneStepBackDeviates) {
    Story story = valued(NeverBackwards{}, 7.0);
    set(story, 8, 20, 8.0);
    expect_evidence_needed(story);
    set(story, 15, 15.1, 7.0);  // a stale plan over a newer one
    const Finding finding = story.finding();
    EXPECT_EQ(finding.outcome, Outcome::deviated);
    EXPECT_EQ(finding.observed, "1 step back in 200 values");
    EXPECT_EQ(finding.at, at(15.03));
    EXPECT_EQ(finding.why, "7 after 8");
    story.silence(16, 20);
    EXPECT_EQ(story.outcome(), Outcome::deviated);  // certain all the same
}

TEST(NeverBackwards, LooksThroughWhatHasNoNumber) {
    Story story = valued(NeverBackwards{}, Set{"8"});
    set(story, 5, 5.3, Set{});
    EXPECT_EQ(story.outcome(), Outcome::held);
    set(story, 5.3, 5.4, Set{"7"});
    EXPECT_EQ(story.outcome(), Outcome::deviated);
    EXPECT_EQ(valued(NeverBackwards{}, Set{"10.0.0.1"}).outcome(), Outcome::inconclusive);
}

TEST(NeverBackwards, WhatWasAskedBeforeTheAnswerIsNoStepBack) {
    // Answers that take longer than a tick may overtake each other: 2, 1, 2.
    const auto overtaken = [](double until) {
        Story story = valued(NeverBackwards{}, 1.0);
        set(story, 8, 20, 2.0);
        set(story, 8.1, until, 1.0);
        story.change(7.5, 9, [](event::Observed& seen) { seen.latency = at(0.35); });
        return story.finding();
    };
    EXPECT_EQ(overtaken(8.4).outcome, Outcome::held);
    const Finding finding = overtaken(8.7);  // from the one on that was asked 400 ms after the 2, which took 350 ms
    EXPECT_EQ(finding.outcome, Outcome::deviated);
    EXPECT_EQ(finding.at, at(8.43));
    EXPECT_EQ(finding.observed, "1 step back in 200 values");
}

// --- never_below ---

const NeverBelow half{0.5, true, "50%"};

TEST(NeverBelow, AShareIsOfTheBaselinesMedian) {
    Story story = valued(half, 4.0);
    expect_evidence_needed(story);
    set(story, 8, 9, 2.0);
    EXPECT_EQ(story.outcome(), Outcome::held);
    set(story, 8.5, 8.6, 1.0);
    const Finding finding = story.finding();
    EXPECT_EQ(finding.outcome, Outcome::deviated);
    EXPECT_EQ(finding.observed, "1 at the lowest, of a median of 4");
    EXPECT_EQ(finding.limit, "never below 50% of the baseline's median");
    EXPECT_EQ(finding.at, at(8.53));
    EXPECT_EQ(finding.why, "1, under 2");
}

TEST(NeverBelow, AnAbsoluteNeedsNoBaseline) {
    Story story = valued(NeverBelow{3, false, "3"}, Set{"a", "b", "c"});
    story.silence(-5, 0);
    EXPECT_EQ(story.outcome(), Outcome::held);
    set(story, 8, 8.1, Set{"a", "b"});
    EXPECT_EQ(story.outcome(), Outcome::deviated);
    EXPECT_EQ(story.finding().observed, "2 at the lowest");
}

TEST(NeverBelow, AShareOfAnUnknownBaselineSaysNothing) {
    Story story = valued(half, 4.0);
    set(story, -5, 0, std::nullopt);
    set(story, 8, 9, 0.0);
    EXPECT_EQ(story.outcome(), Outcome::inconclusive);
    EXPECT_THAT(story.finding().why, HasSubstr("in the baseline, no observation has a value"));
    Story roundings = valued(NeverBelow{0.07, true, "7%"}, 100.0);  // 0.07 · 100 is a little over 7
    set(roundings, 8, 9, 7.0);
    EXPECT_EQ(roundings.outcome(), Outcome::held);
}

// --- velocity ---

const Velocity quarter{0.25, at(2)};

TEST(Velocity, SumsTheDecreasesOfAnyWindow) {
    Story story = valued(quarter, 8.0);
    set(story, 6, 20, 7.0);
    set(story, 8, 20, 6.0);  // one in two seconds, and one more at their end
    expect_evidence_needed(story);
    set(story, 7.9, 20, 6.0);
    EXPECT_EQ(story.outcome(), Outcome::held);  // two of eight
    set(story, 7.5, 20, 5.0);
    const Finding finding = story.finding();
    EXPECT_EQ(finding.outcome, Outcome::deviated);
    EXPECT_EQ(finding.observed, "3 removed in 2s at the most: 37.50% of a median of 8");
    EXPECT_EQ(finding.limit, "removes at most 25.00% per 2s");
    EXPECT_EQ(finding.at, at(7.53));
}

TEST(Velocity, WhatComesBackCountsForNothing) {
    Story story = valued(quarter, 8.0);
    for (const double t : {6.0, 6.4, 6.8}) set(story, t, t + 0.2, 7.0);  // never under 7, yet three were taken out in a second
    EXPECT_EQ(story.outcome(), Outcome::deviated);
    EXPECT_EQ(story.finding().at, at(6.83));
}

TEST(Velocity, ObservationsThatOverlapMakeNoDecreaseOfTheirOrder) {
    Story story = valued(quarter, 8.0);
    set(story, 6, 20, 6.0);
    set(story, 6.1, 6.2, 8.0);  // asked after the first 6, which took 350 ms: it may be the older
    EXPECT_EQ(story.outcome(), Outcome::deviated);
    story.change(5.9, 6.5, [](event::Observed& seen) { seen.latency = at(0.35); });
    EXPECT_EQ(story.outcome(), Outcome::held);
    set(story, 6.5, 6.6, 8.0);  // and this one is not
    EXPECT_EQ(story.outcome(), Outcome::deviated);
}

TEST(Velocity, OfASetItIsTheMembersThatAreGone) {
    Story story = valued(quarter, Set{"a", "b", "c", "d"});
    set(story, 6, 20, Set{"b", "c", "d", "e"});
    EXPECT_EQ(story.outcome(), Outcome::held);
    set(story, 7, 20, Set{"c", "d", "e", "f"});  // four all the time
    EXPECT_EQ(story.outcome(), Outcome::deviated);
}

TEST(Velocity, NeedsABaselineOfSomething) {
    EXPECT_EQ(valued(quarter, 0.0).outcome(), Outcome::inconclusive);
    EXPECT_THAT(valued(quarter, 0.0).finding().why, HasSubstr("its median is 0"));
    Story unknown = valued(quarter, 8.0);
    unknown.silence(-5, 0);
    EXPECT_EQ(unknown.outcome(), Outcome::inconclusive);
    EXPECT_EQ(valued(Velocity{0, at(1)}, 8.0).outcome(), Outcome::held);  // nothing may be taken away, and nothing was
}

// --- max_undos ---

TEST(MaxUndos, PuttingAValueBackIsAnUndo) {
    Story story = valued(MaxUndos{0}, Set{"a"});
    set(story, 5, 8, Set{"b"});
    set(story, 8, 20, Set{"c"});  // on, and not back
    expect_evidence_needed(story);
    set(story, 8, 20, Set{"a"});
    const Finding finding = story.finding();
    EXPECT_EQ(finding.outcome, Outcome::deviated);
    EXPECT_EQ(finding.observed, "1 undo in 200 values");
    EXPECT_EQ(finding.limit, "<= 0 undos");
    EXPECT_EQ(finding.at, at(8.03));
    EXPECT_EQ(finding.why, "back to a, after b");
    story.experiment.expectations[0].condition = MaxUndos{1};
    EXPECT_EQ(story.outcome(), Outcome::held);
    set(story, 10, 20, Set{"b"});  // a b a b: two
    EXPECT_EQ(story.outcome(), Outcome::deviated);
}

TEST(MaxUndos, WhatArmingAndDisarmingChangeIsLeftOut) {
    Story story = valued(MaxUndos{0}, Set{"a"});
    set(story, 2, 12, Set{});  // the fault itself, from 2 s to 12 s
    EXPECT_EQ(story.outcome(), Outcome::held);
    set(story, 6, 12, Set{"a"});  // automation put it back under the fault: no undo of its own
    EXPECT_EQ(story.outcome(), Outcome::held);
    set(story, 9, 12, Set{});  // but this is one
    EXPECT_EQ(story.outcome(), Outcome::deviated);
    Story late = valued(MaxUndos{0}, Set{"a"});
    set(late, 2.1, 12, Set{});  // an observation after arming still had the old value
    set(late, 5, 12, Set{"a"});
    EXPECT_EQ(late.outcome(), Outcome::deviated);
}

TEST(MaxUndos, AnObservationThatWasUnderWayWhenAFaultBeganIsItsDoing) {
    Story story = valued(MaxUndos{0}, Set{"a"});
    set(story, 1.9, 5, Set{});
    story.change(1.9, 2, [](event::Observed& seen) { seen.latency = at(0.2); });  // from 1.93 s to 2.13 s
    EXPECT_EQ(story.outcome(), Outcome::held);
    story.change(1.9, 2, [](event::Observed& seen) { seen.latency = at(0.01); });
    EXPECT_EQ(story.outcome(), Outcome::deviated);
}

TEST(MaxUndos, ObservationsThatOverlapMakeNoUndoOfTheirOrder) {
    Story story = valued(MaxUndos{0}, Set{"a"});
    set(story, 6, 20, Set{"b"});
    set(story, 6.1, 6.3, Set{"a"});  // asked after the first b, which took 350 ms: they may be the older
    EXPECT_EQ(story.outcome(), Outcome::deviated);
    story.change(5.9, 6.5, [](event::Observed& seen) { seen.latency = at(0.35); });
    EXPECT_EQ(story.outcome(), Outcome::held);
    set(story, 6.5, 6.6, Set{"a"});  // and this one is not
    EXPECT_EQ(story.outcome(), Outcome::deviated);
}

TEST(MaxUndos, NoReplyIsNoChange) {
    Story story = valued(MaxUndos{0}, Set{"a"});
    set(story, 5, 5.5, std::nullopt);
    EXPECT_EQ(story.outcome(), Outcome::held);
}

// --- exactly ---

TEST(Exactly, AnyOtherCountDeviates) {
    Story story = valued(Exactly{1}, Set{"10.0.0.9"});
    expect_evidence_needed(story);
    set(story, 9, 9.1, Set{"10.0.0.8", "10.0.0.9"});
    const Finding finding = story.finding();
    EXPECT_EQ(finding.outcome, Outcome::deviated);
    EXPECT_EQ(finding.observed, "another count in 1 of 200 values");
    EXPECT_EQ(finding.limit, "exactly 1");
    EXPECT_EQ(finding.at, at(9.03));
    EXPECT_EQ(finding.why, "2: 10.0.0.8, 10.0.0.9");
    EXPECT_EQ(valued(Exactly{0}, Set{}).outcome(), Outcome::held);
    EXPECT_EQ(valued(Exactly{1}, 2.0).outcome(), Outcome::deviated);
    EXPECT_EQ(valued(Exactly{1}, std::string("primary")).outcome(), Outcome::inconclusive);
}

}  // namespace
}  // namespace blackstart
