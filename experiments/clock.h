// Wall-clock times for people, seeds, and this process's own command line.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace blackstart {

// Now plus an offset, in UTC: RFC 3339 with nanoseconds, as 2026-11-23T06:31:09.123456789Z.
std::string wall_clock(std::chrono::nanoseconds offset = std::chrono::nanoseconds(0));

// Nanoseconds since 1970 (UTC) of such a time, with or without its fraction and Z; 0 if it is not one. And back.
std::int64_t epoch_ns(const std::string& time_text);
std::string rfc3339(std::int64_t epoch_ns);

// A seed for a run that names none; never 0. From getrandom(2), below 2^53 so that every JSON reader keeps it whole.
std::uint64_t draw_seed();

// As it was typed, words joined by blanks.
std::string command_line();

}  // namespace blackstart
