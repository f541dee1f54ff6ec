#include "experiments/start.h"

#include <csignal>
#include <ctime>

#include <algorithm>
#include <chrono>
#include <cstdio>

#include "experiments/clock.h"
#include "injector/kernel/error.h"

namespace blackstart {
namespace {

using std::chrono::nanoseconds;
constexpr std::int64_t second = 1'000'000'000;

Misuse no_time(const std::string& text) {
    return Misuse("--start-at: '" + text + "' is no time: expected one such as \"14:30\", \"14:30:05\" or \"2026-11-23T14:30:00Z\"");
}

// "Z", "+02:00" or "-05:30", in seconds east of UTC.
std::int64_t offset(const std::string& zone, const std::string& text) {
    if (zone == "Z" || zone == "z") return 0;
    int hours = 0, minutes = 0, end = 0;
    char sign = 0;
    if (std::sscanf(zone.c_str(), "%c%2d:%2d%n", &sign, &hours, &minutes, &end) != 3 || static_cast<std::size_t>(end) != zone.size() ||
        (sign != '+' && sign != '-') || hours < 0 || hours > 23 || minutes < 0 || minutes > 59)
        throw no_time(text);
    return (sign == '-' ? -1 : 1) * (hours * 3600 + minutes * 60);
}

std::int64_t of_date(const std::string& text, std::int64_t now) {
    const auto zone = text.find_first_of("Zz+-", sizeof "2026-11-23T14:30:00" - 1);
    const auto local = zone == std::string::npos ? 0 : epoch_ns(text.substr(0, zone));
    if (local == 0) throw no_time(text);
    const auto time = local - offset(text.substr(zone), text) * second;
    if (time < now) throw Misuse("--start-at: " + text + " is past; it is " + rfc3339(now).substr(0, 19) + "Z");
    return time;
}

// The next time that clocks here show it.
std::int64_t of_clock(const std::string& text, std::int64_t now) {
    int hour = 0, minute = 0, sec = 0, end = 0;
    const bool three = std::sscanf(text.c_str(), "%2d:%2d:%2d%n", &hour, &minute, &sec, &end) == 3;
    if (!three) sec = 0;
    if (!three && std::sscanf(text.c_str(), "%2d:%2d%n", &hour, &minute, &end) != 2) throw no_time(text);
    if (static_cast<std::size_t>(end) != text.size() || hour < 0 || hour > 23 || minute < 0 || minute > 59 || sec < 0 || sec > 59)
        throw no_time(text);
    const time_t today = static_cast<time_t>(now / second);
    for (int day = 0; day < 2; day++) {
        tm parts{};
        ::localtime_r(&today, &parts);
        parts.tm_mday += day;
        parts.tm_hour = hour;
        parts.tm_min = minute;
        parts.tm_sec = sec;
        parts.tm_isdst = -1;
        if (const auto time = static_cast<std::int64_t>(::mktime(&parts)) * second; time >= now) return time;
    }
    throw no_time(text);
}

}  // namespace

std::int64_t start_time(const std::string& text, std::int64_t now) {
    return text.find_first_of("Tt") == std::string::npos ? of_clock(text, now) : of_date(text, now);
}

int wait_until(std::int64_t epoch_ns, const std::function<void()>& begun) {
    sigset_t ours, before;
    sigemptyset(&ours);
    for (const int number : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&ours, number);
    ::pthread_sigmask(SIG_BLOCK, &ours, &before);
    begun();
    int ended_by = 0;
    for (;;) {
        const auto now = nanoseconds(std::chrono::system_clock::now().time_since_epoch()).count();
        if (ended_by > 0 || now >= epoch_ns) break;
        const auto slice = std::min(epoch_ns - now, second);  // the clock may be set
        const timespec time{slice / second, slice % second};
        ended_by = std::max(0, ::sigtimedwait(&ours, nullptr, &time));
    }
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    return ended_by;
}

}  // namespace blackstart
