#include "probes/extract.h"

#include <gtest/gtest.h>

#include "injector/kernel/error.h"

using namespace blackstart;

namespace {

using Set = std::vector<std::string>;

std::optional<Value> json(const std::string& pointer, const std::string& text) { return Extractor({.json = pointer, .regex = ""})(text); }
std::optional<Value> regex(const std::string& pattern, const std::string& text) { return Extractor({.json = "", .regex = pattern})(text); }

TEST(Extract, TakesNumbersTextsAndSetsByJsonPointer) {
    const std::string body =
        R"({"n": 3, "s": "up", "digits": "12", "pool": ["b", "a", "b", 7], "t": true, "o": {"k": 1}, "nothing": null})";
    EXPECT_EQ(json("/n", body), Value(3.0));
    EXPECT_EQ(json("/s", body), Value("up"));
    EXPECT_EQ(json("/digits", body), Value("12"));
    EXPECT_EQ(json("/pool", body), Value(Set{"7", "a", "b"}));
    EXPECT_EQ(json("/pool/1", body), Value("a"));
    EXPECT_EQ(json("/t", body), Value("true"));
    EXPECT_EQ(json("/o", body), Value(R"({"k":1})"));
    EXPECT_EQ(json("", "4"), Value(4.0));
}

TEST(Extract, HasNothingWhereThereIsNothing) {
    EXPECT_FALSE(json("/n", R"({"m": 3})"));
    EXPECT_FALSE(json("/n", R"({"n": null})"));
    EXPECT_FALSE(json("/n/0", R"({"n": 3})"));
    EXPECT_FALSE(json("/x", R"([1, 2])"));
    EXPECT_FALSE(json("/n", "<html>"));
    EXPECT_FALSE(json("/n", ""));
    EXPECT_FALSE(regex("a+", "b"));
    EXPECT_FALSE(regex("a+", ""));
}

TEST(Extract, TakesAnEmptyListForTheEmptySet) { EXPECT_EQ(json("/pool", R"({"pool": []})"), Value(Set{})); }

TEST(Extract, TakesTheFirstGroupOfARegexOrItsWholeMatch) {
    EXPECT_EQ(regex("generation=(\\d+)", "a=1\ngeneration=42\n"), Value(42.0));
    EXPECT_EQ(regex("gen\\w+", "a=1\ngeneration=42\n"), Value("generation"));
    EXPECT_EQ(regex("^b(.*)$", "a\nbc"), Value("c"));
}

TEST(Extract, SurvivesAnEndlessLine) {
    EXPECT_FALSE(regex("(.*)x$", std::string(1 << 20, 'a')));
    EXPECT_EQ(regex("^(a)", std::string(1 << 20, 'a')), Value("a"));
}

TEST(Extract, RefusesWhatIsNoPointerAndNoRegex) {
    EXPECT_THROW(json("n", "{}"), Misuse);
    EXPECT_THROW(regex("(", ""), Misuse);
}

TEST(NumberOrText, TakesOnlyAWholeNumberForOne) {
    EXPECT_EQ(number_or_text("3\n"), Value(3.0));
    EXPECT_EQ(number_or_text(" -2.5e3 "), Value(-2500.0));
    EXPECT_EQ(number_or_text("3 apples"), Value("3 apples"));
    EXPECT_EQ(number_or_text(""), Value(""));
    EXPECT_EQ(number_or_text("nan"), Value("nan"));
    EXPECT_EQ(number_or_text("10.0.0.1"), Value("10.0.0.1"));
}

}  // namespace
