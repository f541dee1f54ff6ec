// What holds of judging whatever happened: the same history gives the same verdict, and the order of its lines does not matter,
// not even where several things happened at one time.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "experiments/report/json.h"
#include "experiments/report/text.h"
#include "tests/unit/story.h"

namespace blackstart {
namespace {

using Random = std::mt19937;
using Set = std::vector<std::string>;

int between(Random& random, int least, int most) { return std::uniform_int_distribution<int>(least, most)(random); }

std::optional<Value> any_value(Random& random) {
    switch (between(random, 0, 6)) {
        case 0:
            return std::nullopt;
        case 1:
            return Set{};
        case 2:
            return std::string("7");
        case 3:
            return Set{"a", "b"};
        case 4:
            return Set{"b"};
        default:
            return static_cast<double>(between(random, 0, 5));
    }
}

// One expectation of every kind, over a run in which values, failures, silences, services and counts come as they like, many of
// them at one time.
Story any_story(Random& random) {
    Story story;
    story.add_probe("checker");
    story.observe("checker", -5, Story::duration);
    const Limit share = at_most(between(random, 0, 10) / 10.0, "limit");
    const Condition conditions[] = {SuccessLimit{at_least(0.9, ">= 90%")},
                                    LatencyLimits{{{0.5, at_most(50e6, "<= 50ms")}}},
                                    RecoversWithin{at(3), at(1), "lie", true},
                                    NeverEmpty{},
                                    NeverBackwards{},
                                    NeverBelow{0.5, true, "50%"},
                                    Velocity{0.25, at(3)},
                                    MaxTransitions{between(random, 0, 20)},
                                    Flap{share},
                                    MaxUndos{between(random, 0, 9)},
                                    AgreesWith{"checker", share},
                                    Exactly{2},
                                    Amplification{at_most(2, "<= 2x"), "m"},
                                    Spread{at_most(2, "<= 2x"), "m", "", false}};
    const char* windows[] = {"", "fault", "after", "lie"};
    for (const auto& condition : conditions) story.expect(condition, windows[between(random, 0, 3)]);
    for (int spells = between(random, 0, 6); spells > 0; spells--) {
        const double from = between(random, -20, 190) / 10.0, to = from + between(random, 1, 40) / 10.0;
        const auto value = any_value(random);
        story.change(from, to, [&](event::Observed& seen) { seen.value = value; });
        if (between(random, 0, 1) == 0) story.fail(from, to, "down", between(random, 0, 1) == 0 ? "checker" : "customers");
        if (between(random, 0, 4) == 0) story.silence(from, to);
    }
    for (int i = -5; i < 20; i++) story.add(i, event::Counted{"m", static_cast<std::uint64_t>(between(random, 5, 20)), at(1)});
    for (int i = between(random, 0, 20); i > 0; i--) {  // at times that others have, too
        const double t = between(random, 0, 190) / 10.0 + 0.03;
        story.add(t,
                  event::Observed{"customers", between(random, 0, 1) == 0, "twice", at(between(random, 1, 3) / 100.0), any_value(random)});
        story.add(t, event::Service{"haproxy", "restarted"});
    }
    return story;
}

std::string told(const Story& story) {
    const Verdict verdict = story.verdict();
    return to_json(story.experiment, verdict) + to_text(story.experiment, verdict, false);
}

TEST(Judging, IsDeterministicAndDoesNotDependOnTheOrderOfLines) {
    Random random(11);
    for (int round = 0; round < 60; round++) {
        Story story = any_story(random);
        const std::string first = told(story);
        EXPECT_EQ(told(story), first) << "round " << round;
        for (int i = 0; i < 3; i++) {
            std::shuffle(story.history.events.begin(), story.history.events.end(), random);
            EXPECT_EQ(told(story), first) << "round " << round;
        }
    }
}

TEST(Judging, DoesNotKnowTheWallClockNorTheOriginOfTheTimeline) {
    Random random(12);
    for (int round = 0; round < 20; round++) {
        Story story = any_story(random);
        const std::string first = told(story);
        story.history.origin = "1970-01-01T00:00:00.000000000Z";
        for (Event& event : story.history.events) event.t += std::chrono::hours(1);
        EXPECT_EQ(told(story), first) << "round " << round;
    }
}

}  // namespace
}  // namespace blackstart
