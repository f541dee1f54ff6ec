// Figures as people read them, alike on every host and in every locale.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>

#include "experiments/expectations/expectation.h"
#include "experiments/history.h"

namespace blackstart {

// Rounded away from what it must stay under or above, so that no figure reads as its limit when it is past it:
// shares down to 0.01%, durations up to a millisecond, below one second up to a microsecond.
std::string percent(std::size_t part, std::size_t of);
std::string percent_down(double share);
std::string percent_up(double share);
std::string duration(std::chrono::nanoseconds value);
// A time from t0: "4.102s", cut to a millisecond.
std::string moment(Time from_t0);
// "1 packet", "2 packets"
std::string counted(std::size_t n, const std::string& what);

// What an observation said, in a few words: "ok", or why it was not.
std::string said(const event::Observed& seen);

// "success of customers during the fault"
std::string subject(const Expectation& expectation);

// Whether `value` is inside: value <op> limit.
bool meets(double value, const Limit& limit);
// Whether more is better under this limit.
bool wants_more(const Limit& limit);

}  // namespace blackstart
