// What is found of one expectation.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "experiments/history.h"

namespace blackstart {

enum class Outcome { held, inconclusive, deviated };  // from best to worst

constexpr const char* to_string(Outcome outcome) {
    return outcome == Outcome::held ? "held" : outcome == Outcome::deviated ? "deviated" : "inconclusive";
}

struct Finding {
    Outcome outcome = Outcome::inconclusive;
    std::string observed;     // the figure, with its unit: "97.31% (96.10% to 98.24%)", "recovered after 7.2s"
    std::string limit;        // what it is held against, as the file says it
    std::size_t samples = 0;  // observations that were looked at
    std::optional<Time> at;   // the moment that decided, from t0: the first failure, the worst sample
    std::string why;          // one line, for people: what the probe said then, or why it is inconclusive
};

}  // namespace blackstart
