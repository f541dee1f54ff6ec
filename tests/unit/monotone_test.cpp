// Turning an observation into a failure never makes a verdict better: held, inconclusive, deviated, from best to worst.
#include <gtest/gtest.h>

#include <random>

#include "tests/unit/story.h"

namespace blackstart {
namespace {

using Random = std::mt19937;

int between(Random& random, int least, int most) { return std::uniform_int_distribution<int>(least, most)(random); }

// Spells of failure, silence and slowness in a run of 20 s.
Story random_story(Random& random, const Condition& condition, const std::string& during) {
    Story story;
    story.expect(condition, during);
    for (int spells = between(random, 0, 3); spells > 0; spells--) {
        const double from = between(random, 0, 190) / 10.0, length = between(random, 1, between(random, 0, 4) == 0 ? 80 : 8) / 10.0;
        switch (between(random, 0, 5)) {
            case 0:
                story.silence(from, from + length / 2);
                break;
            case 1:
                story.change(from, from + length, [](event::Observed& seen) { seen.latency = at(0.4); });
                break;
            case 2:
                story.change(from, from + length, [](event::Observed& seen) { seen.value = std::nullopt; });
                break;
            default:
                story.fail(from, from + length);
        }
    }
    return story;
}

// One observation that was ok fails instead; what it had for a value it keeps or loses, but an empty value stays.
bool break_one(Random& random, Story& story) {
    std::vector<event::Observed*> ok;
    for (Event& event : story.history.events) {
        auto* seen = std::get_if<event::Observed>(&event.kind);
        if (seen != nullptr && seen->ok && event.t >= story.t0) ok.push_back(seen);
    }
    if (ok.empty()) return false;
    event::Observed& victim = *ok[static_cast<std::size_t>(between(random, 0, static_cast<int>(ok.size()) - 1))];
    victim.ok = false;
    victim.why = "broken";
    if (between(random, 0, 1) == 0) victim.value = std::nullopt;
    return true;
}

bool relapsed(const Finding& finding) { return finding.observed.find("relapsed") != std::string::npos; }

struct Seen {
    int held = 0, inconclusive = 0, deviated = 0, worse = 0;
};

Seen check(const Condition& condition, const std::string& during, unsigned seed) {
    Random random(seed);
    Seen seen;
    for (int round = 0; round < 400; round++) {
        Story story = random_story(random, condition, during);
        Finding before = story.finding();
        for (int step = 0; step < 5 && break_one(random, story); step++) {
            (before.outcome == Outcome::held ? seen.held : before.outcome == Outcome::deviated ? seen.deviated : seen.inconclusive)++;
            const Finding after = story.finding();
            // A relapse is the one exception, and is in the contract: a failure in the spell that counted as the recovery
            // makes it none, and what came after it no relapse.
            if (!relapsed(before)) {
                EXPECT_GE(after.outcome, before.outcome) << "seed " << seed << ", round " << round << ": " << before.observed << " ("
                                                         << before.why << ") became " << after.observed << " (" << after.why << ")";
            }
            if (after.outcome > before.outcome) seen.worse++;
            before = after;
        }
    }
    return seen;
}

void expect_varied(const Seen& seen) {  // or the property was never tried
    EXPECT_GT(seen.held, 20);
    EXPECT_GT(seen.inconclusive, 20);
    EXPECT_GT(seen.deviated, 20);
    EXPECT_GT(seen.worse, 20);
}

TEST(Monotone, SuccessDuringTheFault) { expect_varied(check(SuccessLimit{at_least(0.9, ">= 90%")}, "fault", 1)); }

TEST(Monotone, SuccessFromT0) { expect_varied(check(SuccessLimit{at_least(0.98, ">= 98%")}, "", 2)); }

TEST(Monotone, Latency) {
    expect_varied(check(LatencyLimits{{{0.5, at_most(50e6, "<= 50ms")}, {0.97, at_most(250e6, "<= 250ms")}}}, "fault", 3));
}

TEST(Monotone, RecoversWithinOfTheStart) { expect_varied(check(RecoversWithin{at(9), at(4), "lie", false}, "", 4)); }

TEST(Monotone, RecoversWithinOfTheStop) { expect_varied(check(RecoversWithin{at(3), at(1), "lie", true}, "", 5)); }

TEST(Monotone, NeverEmpty) {
    // The only way down is to lose too many values.
    const Seen seen = check(NeverEmpty{}, "fault", 6);
    EXPECT_GT(seen.held, 20);
    EXPECT_GT(seen.inconclusive, 20);
    EXPECT_GT(seen.worse, 4);
}

}  // namespace
}  // namespace blackstart
