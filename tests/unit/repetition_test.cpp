// Runs of one experiment under many seeds.
#include "experiments/repetition.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>

#include "experiments/report/repetition.h"
#include "experiments/seeds.h"

namespace blackstart {
namespace {

using testing::HasSubstr;

Repetition of(const std::vector<int>& exit_codes) {
    Repetition repetition{"lie", 7, static_cast<int>(exit_codes.size()), {}};
    for (const int code : exit_codes) {
        const auto n = static_cast<int>(repetition.runs.size()) + 1;
        const Outcome outcome = code == 0 ? Outcome::held : code == 1 ? Outcome::deviated : Outcome::inconclusive;
        repetition.runs.push_back({"00" + std::to_string(n), nth_seed(7, n), outcome, code, "because"});
    }
    return repetition;
}

TEST(Repetition, TheFirstRunHasTheSeedAndTheOthersTheirOwn) {
    std::set<std::uint64_t> seeds;
    for (int n = 1; n <= 1000; n++) seeds.insert(nth_seed(7, n));
    EXPECT_EQ(seeds.size(), 1000U);
    EXPECT_EQ(nth_seed(7, 1), 7U);
    EXPECT_EQ(nth_seed(7, 2), nth_seed(7, 2));
    EXPECT_GT(*seeds.begin(), 0U);
    EXPECT_LT(*seeds.rbegin(), std::uint64_t{1} << 53);  // so that every JSON reader keeps them whole
}

TEST(Repetition, ExitsWithTheWorstOfItsRuns) {
    EXPECT_EQ(exit_code(of({0, 0})), 0);
    EXPECT_EQ(exit_code(of({0, 3, 0})), 3);
    EXPECT_EQ(exit_code(of({0, 3, 1, 0})), 1);
    EXPECT_EQ(exit_code(of({1, 130})), 130);
    EXPECT_EQ(exit_code(of({1, 5})), 5);
    EXPECT_EQ(exit_code(of({})), 3);
}

TEST(Repetition, OfADrillsWeakHalfHasToDeviateEachTime) {
    EXPECT_EQ(exit_code_of_weak(of({1, 1})), 1);
    EXPECT_EQ(exit_code_of_weak(of({1, 3, 1})), 3);
    EXPECT_EQ(exit_code_of_weak(of({1, 3, 0, 1})), 0);
    EXPECT_EQ(exit_code_of_weak(of({1, 143})), 143);
    EXPECT_EQ(exit_code_of_weak(of({})), 3);
}

TEST(Repetition, SaysTheShareThatHeldAndTheSeedsThatDeviated) {
    const Repetition repetition = of({0, 1, 0, 3, 0});
    const std::string text = to_text(repetition);
    EXPECT_THAT(text, HasSubstr("lie: 3 of 5 runs held, 60.00% ("));
    EXPECT_THAT(text, HasSubstr("1 deviated, 1 inconclusive"));
    EXPECT_THAT(text, HasSubstr("deviated under --seed " + std::to_string(nth_seed(7, 2)) + ": 002\n"));
    const auto json = nlohmann::json::parse(to_json(repetition));
    EXPECT_EQ(json["format"], "blackstart-repeat/1.0");
    EXPECT_EQ(json["held"], 3);
    EXPECT_EQ(json["deviated_seeds"], nlohmann::json::array({nth_seed(7, 2)}));
    EXPECT_EQ(json["each"][3]["verdict"], "inconclusive");
    EXPECT_LT(json["share_held"]["low"], 0.6);
    EXPECT_GT(json["share_held"]["high"], 0.6);
}

}  // namespace
}  // namespace blackstart
