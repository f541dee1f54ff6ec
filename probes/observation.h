// What a probe saw, once.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace blackstart {

// The value of an observation, where its probe has one: a number, a text, or a set (sorted, without doubles; answer
// sets are addresses or record data as text). "Empty" is the empty set or the empty text.
using Value = std::variant<double, std::string, std::vector<std::string>>;

struct Observation {
    std::chrono::nanoseconds start{0};  // CLOCK_MONOTONIC: when this tick was due and its probe began
    std::size_t probe = 0;              // index in the experiment
    bool ok = false;
    std::string why;                      // when not ok: "timeout", "status 503", "connection refused", "nxdomain" …
    std::chrono::nanoseconds latency{0};  // start to reply, or to giving up
    std::optional<Value> value;           // a reply has one even if it is not ok; no reply has none
};

}  // namespace blackstart
