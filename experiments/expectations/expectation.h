// What an experiment expects. One condition a struct; each is judged by a pure function of the history, in a file of
// its own (<condition>.cpp). To add one: its struct here in the variant, its file, its parse function, its test.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <variant>

namespace blackstart {

// "<op> <number>", as in ">= 99%" or "<= 250ms": shares as 0..1, durations in nanoseconds.
struct Limit {
    enum class Op { less, at_most, at_least, more };
    Op op = Op::at_least;
    double value = 0;
    std::string text;  // as written, for people
};

struct SuccessLimit {
    static constexpr const char* condition = "success";
    Limit limit;
};
struct LatencyLimits {
    static constexpr const char* condition = "latency";
    std::map<double, Limit> quantiles;  // 0.99 -> <= 250ms
};
struct RecoversWithin {
    static constexpr const char* condition = "recovers_within";
    std::chrono::nanoseconds within{0};
    std::chrono::nanoseconds hold{std::chrono::seconds(5)};
    std::string fault;  // `after = "lie.stop"`: the fault …
    bool stop = false;  // … and which of its ends
};
struct NeverEmpty {
    static constexpr const char* condition = "never_empty";
};
struct MaxTransitions {
    static constexpr const char* condition = "max_transitions";
    int most = 0;
};

using Condition = std::variant<SuccessLimit, LatencyLimits, RecoversWithin, NeverEmpty, MaxTransitions>;

struct Expectation {
    std::string probe;
    std::string during;  // baseline, fault, after, a fault's name; "" = everything from t0
    Condition condition;
};

inline const char* condition(const Expectation& expectation) {
    return std::visit([](const auto& c) { return c.condition; }, expectation.condition);
}

}  // namespace blackstart
