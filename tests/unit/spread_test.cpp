#include "injector/kernel/spread.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "injector/kernel/histogram.h"

namespace blackstart {
namespace {

using std::chrono::milliseconds;

constexpr double kMs = 1e6;

std::vector<double> drawn(milliseconds delay, milliseconds jitter, const DelaySpread& spread, int count = 50'000) {
    DelayDraws draws(delay, jitter, spread, 7);
    std::vector<double> out;
    for (int i = 0; i < count; i++) out.push_back(static_cast<double>(draws.next()) / kMs);
    return out;
}

double mean(const std::vector<double>& all) { return std::accumulate(all.begin(), all.end(), 0.0) / static_cast<double>(all.size()); }
double covariance(const std::vector<double>& all, std::size_t lag) {
    const double middle = mean(all);
    double sum = 0;
    for (std::size_t i = lag; i < all.size(); i++) sum += (all[i] - middle) * (all[i - lag] - middle);
    return sum / static_cast<double>(all.size() - lag);
}
double deviation(const std::vector<double>& all) { return std::sqrt(covariance(all, 0)); }

TEST(DelayDraws, without_jitter_are_the_delay) {
    EXPECT_EQ(drawn(milliseconds(5), milliseconds(0), {}, 3), (std::vector<double>{5, 5, 5}));
}

TEST(DelayDraws, uniform_fill_the_band_evenly) {
    const auto all = drawn(milliseconds(100), milliseconds(20), {});
    EXPECT_NEAR(mean(all), 100, 0.3);
    EXPECT_NEAR(deviation(all), 20 / std::sqrt(3.0), 0.3);
    EXPECT_GE(*std::ranges::min_element(all), 80);
    EXPECT_LE(*std::ranges::max_element(all), 120);
}

TEST(DelayDraws, normal_have_the_jitter_for_standard_deviation) {
    auto all = drawn(milliseconds(100), milliseconds(10), {Distribution::normal, {}, 0});
    EXPECT_NEAR(mean(all), 100, 0.3);
    EXPECT_NEAR(deviation(all), 10, 0.3);
    std::ranges::sort(all);
    EXPECT_NEAR(all[all.size() * 977 / 1000], 120, 1);
}

TEST(DelayDraws, pareto_have_a_long_tail_on_one_side) {
    auto all = drawn(milliseconds(100), milliseconds(10), {Distribution::pareto, {}, 0});
    EXPECT_NEAR(mean(all), 100, 0.5);
    EXPECT_NEAR(*std::ranges::min_element(all), 100 - 10 * 0.5 / std::sqrt(0.75), 0.1);
    EXPECT_GT(*std::ranges::max_element(all), 200);
    EXPECT_LE(*std::ranges::max_element(all), 300);
}

TEST(DelayDraws, from_a_table_lie_between_its_times) {
    auto all = drawn(milliseconds(1), milliseconds(0), {Distribution::table, {milliseconds(30), milliseconds(10), milliseconds(20)}, 0});
    EXPECT_GE(*std::ranges::min_element(all), 11);
    EXPECT_LE(*std::ranges::max_element(all), 31);
    std::ranges::sort(all);
    EXPECT_NEAR(all[all.size() / 2], 21, 0.3);
    EXPECT_NEAR(all[all.size() / 4], 16, 0.3);
    EXPECT_EQ(drawn(milliseconds(1), milliseconds(0), {Distribution::table, {milliseconds(4)}, 0}, 2), (std::vector<double>{5, 5}));
}

TEST(DelayDraws, correlation_joins_neighbours_and_leaves_the_distribution) {
    for (const auto distribution : {Distribution::uniform, Distribution::normal}) {
        const auto all = drawn(milliseconds(100), milliseconds(10), {distribution, {}, 0.9});
        EXPECT_NEAR(covariance(all, 1) / covariance(all, 0), 0.9, 0.03);
        EXPECT_NEAR(mean(all), 100, 1);
        EXPECT_NEAR(deviation(all), distribution == Distribution::normal ? 10 : 10 / std::sqrt(3.0), 0.6);
    }
}

TEST(DelayDraws, never_are_negative_and_are_the_same_from_the_same_seed) {
    const DelaySpread spread{Distribution::normal, {}, 0.5};
    const auto all = drawn(milliseconds(1), milliseconds(50), spread, 1000);
    EXPECT_EQ(*std::ranges::min_element(all), 0);
    EXPECT_EQ(all, drawn(milliseconds(1), milliseconds(50), spread, 1000));
}

TEST(Histogram, tells_quantiles_within_three_percent) {
    Histogram histogram;
    EXPECT_EQ(histogram.sum_up(), AppliedDelay{});
    for (std::uint64_t us = 1; us <= 1000; us++) histogram.add(us * 1000);
    const auto sum = histogram.sum_up();
    EXPECT_EQ(sum.packets, 1000U);
    EXPECT_EQ(sum.max_ns, 1'000'000U);
    EXPECT_GE(sum.p50_ns, 500'000U);
    EXPECT_LE(sum.p50_ns, 516'000U);
    EXPECT_GE(sum.p99_ns, 990'000U);
    EXPECT_LE(sum.p99_ns, 1'000'000U);
    for (const std::uint64_t ns : {0ULL, 31ULL, 32ULL, 63ULL, 64ULL, 1ULL << 40, ~0ULL}) {
        Histogram one;
        one.add(ns);
        EXPECT_EQ(one.sum_up().max_ns, ns);
        EXPECT_EQ(one.sum_up().p50_ns, ns);
    }
}

}  // namespace
}  // namespace blackstart
