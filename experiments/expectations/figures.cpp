#include "experiments/expectations/figures.h"

#include <fmt/format.h>

#include <cmath>

namespace blackstart {
namespace {

using std::chrono::nanoseconds;

std::string hundredths(double hundredths_of_a_percent) {
    const auto whole = static_cast<long long>(hundredths_of_a_percent);
    return fmt::format("{}.{:02}%", whole / 100, whole % 100);
}

std::string thousandths(long long value, const char* unit) {
    std::string text = fmt::format("{}.{:03}", value / 1000, value % 1000);
    text.erase(text.find_last_not_of('0') + 1);
    if (text.back() == '.') text.pop_back();
    return text + unit;
}

std::string window(const std::string& during) {
    if (during.empty()) return "";
    if (during == "baseline") return " in the baseline";
    if (during == "after") return " after the last fault";
    return " during " + (during == "fault" ? "the fault" : during);
}

long long rounded_up(nanoseconds value, nanoseconds unit) { return (value + unit - nanoseconds(1)) / unit; }

}  // namespace

std::string percent(std::size_t part, std::size_t of) {
    const std::size_t whole = part * 10000 / of;  // cut, not rounded
    return hundredths(static_cast<double>(whole));
}
std::string percent_down(double share) { return hundredths(std::floor(share * 10000 + 1e-9)); }
std::string percent_up(double share) { return hundredths(std::ceil(share * 10000 - 1e-9)); }

std::string duration(nanoseconds value) {
    using std::chrono::microseconds;
    using std::chrono::milliseconds;
    if (value < nanoseconds(0)) return "-" + duration(-value);
    if (value == nanoseconds(0)) return "0s";
    if (value <= milliseconds(999)) return thousandths(rounded_up(value, microseconds(1)), "ms");
    return thousandths(rounded_up(value, milliseconds(1)), "s");
}

std::string moment(Time from_t0) {
    if (from_t0 < Time(0)) return "-" + moment(-from_t0);
    const auto ms = from_t0 / std::chrono::milliseconds(1);
    return fmt::format("{}.{:03}s", ms / 1000, ms % 1000);
}

std::string counted(std::size_t n, const std::string& what) { return fmt::format("{} {}{}", n, what, n == 1 ? "" : "s"); }

std::string said(const event::Observed& seen) {
    if (seen.ok) return "ok";
    return seen.why.empty() ? "not ok" : seen.why;
}

std::string subject(const Expectation& expectation) {
    return fmt::format("{} of {}{}", condition(expectation), meter(expectation) + expectation.probe, window(expectation.during));
}

bool meets(double value, const Limit& limit) {
    switch (limit.op) {
        case Limit::Op::less:
            return value < limit.value;
        case Limit::Op::at_most:
            return value <= limit.value;
        case Limit::Op::at_least:
            return value >= limit.value;
        case Limit::Op::more:
            return value > limit.value;
    }
    return false;
}

bool wants_more(const Limit& limit) { return limit.op == Limit::Op::at_least || limit.op == Limit::Op::more; }

}  // namespace blackstart
