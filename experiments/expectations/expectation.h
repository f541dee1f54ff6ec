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
struct NeverBackwards {
    static constexpr const char* condition = "never_backwards";
};
struct NeverBelow {
    static constexpr const char* condition = "never_below";
    double floor = 0;    // a share of the baseline median (0..1), or the number itself
    bool share = false;  // which of the two
    std::string text;    // as written
};
struct Velocity {
    static constexpr const char* condition = "velocity";
    double removes_at_most = 0;  // a share of the baseline median, 0..1
    std::chrono::nanoseconds per{0};
};
struct MaxTransitions {
    static constexpr const char* condition = "max_transitions";
    int most = 0;
};
struct Flap {
    static constexpr const char* condition = "flap";
    Limit limit;  // shares of Nagios' measure, 0..1
};
struct MaxUndos {
    static constexpr const char* condition = "max_undos";
    int most = 0;
};
struct AgreesWith {
    static constexpr const char* condition = "agrees_with";
    std::string other;   // the probe that it is to agree with
    Limit disagreement;  // a share of the time, 0..1
};
struct Exactly {
    static constexpr const char* condition = "exactly";
    double count = 0;
};
struct Amplification {
    static constexpr const char* condition = "amplification";
    Limit limit;  // a multiple of the mean baseline second
    std::string meter;
};
struct Spread {
    static constexpr const char* condition = "spread";
    Limit limit;  // a multiple of the mean baseline second
    std::string meter;
    std::string fault;  // `after = "lie.stop"`: the trigger; "": the end of the last fault
    bool stop = false;
};

using Condition = std::variant<SuccessLimit, LatencyLimits, RecoversWithin, NeverEmpty, NeverBackwards, NeverBelow, Velocity,
                               MaxTransitions, Flap, MaxUndos, AgreesWith, Exactly, Amplification, Spread>;

struct Expectation {
    std::string probe;   // "" where a meter is judged
    std::string during;  // baseline, fault, after, a fault's name; "" = everything from t0
    Condition condition;
};

inline const char* condition(const Expectation& expectation) {
    return std::visit([](const auto& c) { return c.condition; }, expectation.condition);
}

// The meter that it is judged by; "" if it is by a probe.
inline std::string meter(const Expectation& expectation) {
    return std::visit(
        [](const auto& c) -> std::string {
            if constexpr (requires { c.meter; }) return c.meter;
            return "";
        },
        expectation.condition);
}

// Whether it is judged by the values of the observations, and not by whether they were ok.
inline bool is_of_values(const Expectation& expectation) {
    const auto& c = expectation.condition;
    return std::holds_alternative<NeverEmpty>(c) || std::holds_alternative<NeverBackwards>(c) || std::holds_alternative<NeverBelow>(c) ||
           std::holds_alternative<Velocity>(c) || std::holds_alternative<MaxUndos>(c) || std::holds_alternative<Exactly>(c);
}

}  // namespace blackstart
