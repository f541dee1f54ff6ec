// amplification and spread, on histories made by hand: the meter counts from −5 s to 20 s, ten events a second.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/story.h"

namespace blackstart {
namespace {

using testing::HasSubstr;

event::Counted counted(std::uint64_t count, double length = 1) { return {"retries", count, at(length)}; }

Story metered(const Condition& condition, const std::string& during = "") {
    Story story;
    story.expect(condition, during, "");
    for (int i = -5; i < 20; i++) story.add(i, counted(10));
    return story;
}
Story amplified(double limit, const std::string& during = "") {
    return metered(Amplification{at_most(limit, "<= limit"), "retries"}, during);
}
// The second that begins then counted so many.
void set(Story& story, double t, std::uint64_t count) {
    for (Event& event : story.history.events)
        if (auto* one = std::get_if<event::Counted>(&event.kind); one != nullptr && event.t == story.t0 + at(t)) one->count = count;
}
void erase(Story& story, double from, double to) {
    std::erase_if(story.history.events, [&](const Event& event) {
        return std::holds_alternative<event::Counted>(event.kind) && event.t >= story.t0 + at(from) && event.t < story.t0 + at(to);
    });
}

TEST(Amplification, IsTheHighestSecondOverTheMeanBaselineSecond) {
    Story story = amplified(3);
    EXPECT_EQ(story.outcome(), Outcome::held);
    set(story, 7, 30);
    EXPECT_EQ(story.outcome(), Outcome::held);
    EXPECT_EQ(story.finding().observed, "3.00x: 30 a second at the most, 10.0 in the baseline");
    set(story, 7, 31);
    const Finding finding = story.finding();
    EXPECT_EQ(finding.outcome, Outcome::deviated);
    EXPECT_EQ(finding.observed, "3.10x: 31 a second at the most, 10.0 in the baseline");
    EXPECT_EQ(finding.limit, "<= limit");
    EXPECT_EQ(finding.at, at(7));
    EXPECT_EQ(finding.samples, 20U);
    EXPECT_EQ(story.verdict().reason, "amplification of retries: 3.10x: 31 a second at the most, 10.0 in the baseline, limit <= limit");
}

TEST(Amplification, LooksAtItsWindowAndAtSecondsThatTouchIt) {
    Story before = amplified(3, "after");  // from 12 s on
    set(before, 11, 99);
    EXPECT_EQ(before.outcome(), Outcome::held);
    set(before, 12, 99);
    EXPECT_EQ(before.outcome(), Outcome::deviated);
    Story touching = amplified(3, "lie");  // 2 s to 12 s
    for (Event& event : touching.history.events)
        if (std::holds_alternative<event::Counted>(event.kind) && event.t > touching.t0) event.t += at(0.5);
    set(touching, 1.5, 99);
    EXPECT_EQ(touching.outcome(), Outcome::deviated);
}

TEST(Amplification, AQuietBaselineSaysNothing) {
    Story story = amplified(3);
    for (int i = -5; i < 0; i++) set(story, i, 6);
    set(story, 7, 99);
    EXPECT_EQ(story.outcome(), Outcome::deviated);  // 30 of them
    set(story, -1, 5);
    EXPECT_EQ(story.outcome(), Outcome::inconclusive);
    EXPECT_THAT(story.finding().why, HasSubstr("counted 29 in the baseline, and 30 are needed"));
    erase(story, -5, 0);
    EXPECT_EQ(story.outcome(), Outcome::inconclusive);
}

TEST(Amplification, ABaselineThatBreaksTheLimitItselfSaysNothing) {
    Story story = amplified(2);
    set(story, -3, 100);  // 140 in 5 s: 28 on average
    EXPECT_EQ(story.outcome(), Outcome::inconclusive);
    EXPECT_THAT(story.finding().why, HasSubstr("the baseline's own highest second is 3.58x of its mean"));
}

TEST(Amplification, AMeterThatDiedHoldsNothing) {
    Story story = amplified(3);
    erase(story, 15, 20);
    EXPECT_EQ(story.outcome(), Outcome::inconclusive);
    EXPECT_THAT(story.finding().why, HasSubstr("counted for 15s of 20s"));
    set(story, 7, 99);
    EXPECT_EQ(story.outcome(), Outcome::deviated);  // certain all the same
    erase(story, -5, 20);
    EXPECT_EQ(story.outcome(), Outcome::inconclusive);
    EXPECT_THAT(story.finding().why, HasSubstr("it was not there"));
}

TEST(Amplification, AShortSecondCountsForTheMeanOnly) {
    Story story = amplified(3);
    erase(story, 19, 20);
    story.add(19, counted(20, 0.4));  // 50 a second, of which there is half a second at the most
    story.add(19.4, counted(15, 0.5));
    EXPECT_EQ(story.outcome(), Outcome::held);
    EXPECT_EQ(story.finding().observed, "3.00x: 30 a second at the most, 10.0 in the baseline");
}

TEST(Amplification, AnUnprovedFaultProvesNothing) {
    Story story = amplified(3);
    story.the<event::Disarmed>().tally.hits = 0;
    EXPECT_EQ(story.verdict().exit_code, 3);
}

Story spread(const std::string& fault, bool stop) { return metered(Spread{at_most(2, "<= 2x"), "retries", fault, stop}); }

TEST(Spread, LooksAtWhatArrivesAfterTheTrigger) {
    Story story = spread("lie", true);
    set(story, 11, 99);  // while it lay: no herd
    EXPECT_EQ(story.outcome(), Outcome::held);
    set(story, 12, 20);
    EXPECT_EQ(story.outcome(), Outcome::held);
    set(story, 12, 21);
    EXPECT_EQ(story.outcome(), Outcome::deviated);
    EXPECT_EQ(story.finding().at, at(12));
    Story start = spread("lie", false);
    set(start, 11, 99);
    EXPECT_EQ(start.outcome(), Outcome::deviated);
}

TEST(Spread, WithoutATriggerItIsTheEndOfTheLastFault) {
    Story story = spread("", false);
    set(story, 11, 99);
    EXPECT_EQ(story.outcome(), Outcome::held);
    set(story, 15, 99);
    EXPECT_EQ(story.outcome(), Outcome::deviated);
    story.forget<event::Disarmed>();
    EXPECT_EQ(story.outcome(), Outcome::inconclusive);
    EXPECT_THAT(story.finding().why, HasSubstr("the end of the last fault is not recorded"));
}

}  // namespace
}  // namespace blackstart
