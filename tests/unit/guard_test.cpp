#include "experiments/guard.h"

#include <gtest/gtest.h>

namespace blackstart {
namespace {

using namespace std::chrono_literals;

Guard below_half() { return {"customers", {Limit::Op::less, 0.5, "< 50%"}, 2s, "success < 50%"}; }

Observation seen(std::chrono::nanoseconds start, bool ok) {
    Observation observation;
    observation.start = start;
    observation.ok = ok;
    return observation;
}

TEST(Guard, does_not_trip_before_a_whole_window_has_passed) {
    const auto guard = below_half();
    GuardWatch watch(guard, 10s);
    EXPECT_FALSE(watch.see(seen(10s, false), 11s));
    EXPECT_FALSE(watch.see(seen(11s, false), 11900ms));
    EXPECT_TRUE(watch.see(seen(12s, false), 12s));
}

TEST(Guard, knows_nothing_of_the_baseline) {
    const auto guard = below_half();
    GuardWatch watch(guard, 10s);
    for (int i = 0; i < 100; i++) EXPECT_FALSE(watch.see(seen(9s, false), 13s));
    EXPECT_FALSE(watch.see(seen(12500ms, true), 13s));
}

TEST(Guard, asks_for_the_share_of_the_last_window_only) {
    const auto guard = below_half();
    GuardWatch watch(guard, 0s);
    for (int i = 0; i < 50; i++) EXPECT_FALSE(watch.see(seen(i * 100ms, true), i * 100ms));
    std::optional<std::string> why;
    int failures = 0;
    while (!why && failures < 50) {
        const auto now = 5s + failures++ * 100ms;
        why = watch.see(seen(now, false), now);
    }
    ASSERT_TRUE(why);
    EXPECT_EQ(failures, 11);  // of the 21 in two seconds, ends included
    EXPECT_NE(why->find("success < 50% (10 of 21 ok over 2s)"), std::string::npos) << *why;
}

TEST(Guard, does_not_trip_at_its_limit) {
    const auto guard = below_half();
    GuardWatch watch(guard, 0s);
    EXPECT_FALSE(watch.see(seen(3s, true), 3s));
    EXPECT_FALSE(watch.see(seen(3s, false), 3s));
}

}  // namespace
}  // namespace blackstart
