#include "experiments/clock.h"

#include <fmt/format.h>
#include <sys/random.h>

#include <cerrno>
#include <cstdio>
#include <fstream>
#include <iterator>

#include "injector/kernel/error.h"

namespace blackstart {

std::string wall_clock(std::chrono::nanoseconds offset) {
    const auto now = std::chrono::system_clock::now().time_since_epoch() + offset;
    return rfc3339(std::chrono::nanoseconds(now).count());
}

std::int64_t epoch_ns(const std::string& time_text) {
    int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
    char fraction[10] = "";
    if (std::sscanf(time_text.c_str(), "%4d-%2d-%2dT%2d:%2d:%2d.%9[0-9]", &year, &month, &day, &hour, &minute, &second, fraction) < 6)
        return 0;
    const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                           std::chrono::day(static_cast<unsigned>(day))};
    if (!date.ok()) return 0;
    std::string digits = fraction;
    digits.resize(9, '0');
    const auto time = std::chrono::sys_days(date).time_since_epoch() + std::chrono::hours(hour) + std::chrono::minutes(minute) +
                      std::chrono::seconds(second) + std::chrono::nanoseconds(std::stoll(digits));
    return std::chrono::nanoseconds(time).count();
}

std::string rfc3339(std::int64_t epoch_ns) {
    const auto time = std::chrono::sys_time<std::chrono::nanoseconds>(std::chrono::nanoseconds(epoch_ns));
    const auto day = std::chrono::floor<std::chrono::days>(time);
    const std::chrono::year_month_day date(day);
    const std::chrono::hh_mm_ss clock(time - day);
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:09}Z", static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                       static_cast<unsigned>(date.day()), clock.hours().count(), clock.minutes().count(), clock.seconds().count(),
                       clock.subseconds().count());
}

std::uint64_t draw_seed() {
    std::uint64_t seed = 0;
    if (::getrandom(&seed, sizeof seed, 0) != sizeof seed) throw_errno("cannot draw a seed", errno);
    return (seed >> 11) | 1U;
}

std::string command_line() {
    std::ifstream file("/proc/self/cmdline", std::ios::binary);
    std::string words{std::istreambuf_iterator<char>(file), {}};
    while (!words.empty() && words.back() == '\0') words.pop_back();
    for (auto& c : words)
        if (c == '\0') c = ' ';
    return words;
}

}  // namespace blackstart
