// Wall-clock times for people, seeds, and this process's own command line.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace blackstart {

// Now plus an offset, in UTC: RFC 3339 with nanoseconds, as 2026-11-23T06:31:09.123456789Z.
std::string wall_clock(std::chrono::nanoseconds offset = std::chrono::nanoseconds(0));

// A seed for a run that names none; never 0. From getrandom(2), below 2^53 so that every JSON reader keeps it whole.
std::uint64_t draw_seed();

// As it was typed, words joined by blanks.
std::string command_line();

}  // namespace blackstart
