// What a terminal shows of a run, and what is lost already, from a story cut short.
#include "experiments/report/live.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "experiments/outlook.h"
#include "tests/unit/story.h"

namespace blackstart {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

// What a run had recorded by then, in seconds from t0.
History until(const Story& story, double now) {
    History cut = story.history;
    std::erase_if(cut.events, [&](const Event& event) { return event.t > story.t0 + at(now); });
    std::ranges::stable_sort(cut.events, {}, &Event::t);
    return cut;
}

std::vector<std::size_t> lost(const Story& story, double now) {
    return lost_expectations(story.experiment, until(story, now), story.t0 + at(now));
}

Picture picture(const Story& story, double now) {
    Picture made(story.experiment);
    for (const Event& event : until(story, now).events) made.seen(event);
    return made;
}

std::vector<std::string> lines(const Story& story, double now, std::size_t columns = 100, std::size_t rows = 30) {
    return picture(story, now).lines(story.t0 + at(now), columns, rows, false);
}

TEST(Outlook, NothingIsLostWhileAllGoesWell) {
    Story story;
    story.expect(SuccessLimit{at_least(0.9, ">= 90%")}, "fault");
    story.expect(LatencyLimits{{{0.9, at_most(50e6, "<= 50ms")}}});
    story.expect(RecoversWithin{at(5), at(4), "lie", true});
    story.expect(NeverEmpty{});
    story.expect(MaxTransitions{0});
    for (const double now : {-2.0, 0.1, 1.0, 3.0, 11.9, 13.0, 19.9}) EXPECT_THAT(lost(story, now), IsEmpty()) << now;
}

TEST(Outlook, AShareIsLostOnceNoFutureCanMendIt) {
    Story story;
    story.expect(SuccessLimit{at_least(0.9, ">= 90%")}, "fault");  // 100 observations: at most 4 may fail, or Wilson cannot show 90%
    story.fail(3, 4.5);
    EXPECT_THAT(lost(story, 3.25), IsEmpty());
    EXPECT_THAT(lost(story, 4.4), ElementsAre(0));
    EXPECT_NE(story.outcome(), Outcome::held);
}

TEST(Outlook, WhatMustNeverBeIsLostAtOnceAndARecoveryWhenItIsTooLate) {
    Story story;
    story.expect(MaxTransitions{1});
    story.expect(RecoversWithin{at(2), at(1), "lie", true});
    story.fail(12.5, 16);
    EXPECT_THAT(lost(story, 12.7), IsEmpty());
    EXPECT_THAT(lost(story, 14.5), Contains(1));
    EXPECT_THAT(lost(story, 17), ElementsAre(0, 1));
}

TEST(Live, SaysPhaseCountdownFaultsProbesAndGuards) {
    Story story;
    story.experiment.guards.push_back({"customers", {Limit::Op::less, 0.5, "< 50%"}, at(5), "success < 50%"});
    EXPECT_THAT(lines(story, -3).front(), StartsWith("checks-lie  baseline  00:03 to t0"));
    const auto before = lines(story, 0.5);
    EXPECT_THAT(before[1], HasSubstr("fault  lie on web  in 00:02"));
    const auto during = lines(story, 5);
    EXPECT_THAT(during.front(), StartsWith("checks-lie  observing  00:15 left"));
    EXPECT_THAT(during[1], HasSubstr("lie on web  IN FORCE  00:07"));
    EXPECT_THAT(during[2], StartsWith("probe  customers   100.00% of 50     p99 10ms  "));
    EXPECT_THAT(during[3], HasSubstr("guard  success < 50% of customers over 5s  now 100.00%"));
    const auto after = lines(story, 13);
    EXPECT_THAT(after[1], HasSubstr("lie on web  restored          36 hits"));
}

TEST(Live, SecondsThatFailedAreCrosses) {
    Story story(at(5));
    story.fail(6, 9);
    const auto shown = lines(story, 12)[2];
    EXPECT_THAT(shown, HasSubstr("×××"));
    EXPECT_THAT(shown, Not(HasSubstr("××××")));
}

TEST(Live, TellsWhatIsLost) {
    Story story;
    story.expect(MaxTransitions{1});
    story.fail(3, 4);
    auto made = picture(story, 8);
    made.look_ahead(story.t0 + at(8));
    EXPECT_EQ(made.lines(story.t0 + at(8), 100, 30, false).back(), "lost   max_transitions of customers cannot be met any more");
}

TEST(Live, FitsAnyTerminal) {
    Story story;
    story.experiment.name = "a-name-of-an-experiment-that-is-rather-long";
    for (int i = 0; i < 40; i++) story.add_probe("probe-" + std::to_string(i));
    for (const std::size_t columns : {20U, 41U, 200U})
        for (const std::size_t rows : {4U, 10U, 60U}) {
            const auto shown = lines(story, 5, columns, rows);
            EXPECT_LE(shown.size(), rows);
            for (const auto& line : shown)
                EXPECT_LE(std::ranges::count_if(line, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }), columns)
                    << line;
        }
}

TEST(Live, WhatAServerSaysDoesNotSteerTheTerminal) {
    Story story;
    story.add(3, event::Lost{"lie", "web", "gone \x1b[2J\n"});
    for (const auto& line : lines(story, 4)) EXPECT_THAT(line, Not(HasSubstr("\x1b")));
}

}  // namespace
}  // namespace blackstart
