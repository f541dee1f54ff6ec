#include "experiments/clock.h"

#include <fmt/format.h>
#include <sys/random.h>
#include <time.h>

#include <cerrno>
#include <fstream>
#include <iterator>

#include "injector/kernel/error.h"

namespace blackstart {

std::string wall_clock(std::chrono::nanoseconds offset) {
    const auto when = std::chrono::system_clock::now().time_since_epoch() + offset;
    const auto seconds = std::chrono::floor<std::chrono::seconds>(when);
    const time_t whole = static_cast<time_t>(seconds.count());
    tm parts{};
    ::gmtime_r(&whole, &parts);
    char text[32];
    ::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
    return fmt::format("{}.{:09}Z", text, std::chrono::nanoseconds(when - seconds).count());
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
