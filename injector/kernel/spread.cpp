#include "injector/kernel/spread.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

namespace blackstart {
namespace {

// Shape 3: mean 3/2, variance 3/4 for a least value of 1.
constexpr double kParetoMean = 1.5;
const double kParetoDeviation = std::sqrt(0.75);
constexpr double kParetoMost = 20;

// Acklam's approximation of the normal quantile function; its relative error is below 1.2e-9.
double normal_quantile(double p) {
    static constexpr double a[] = {-3.969683028665376e+01, 2.209460984245205e+02,  -2.759285104469687e+02,
                                   1.383577518672690e+02,  -3.066479806614716e+01, 2.506628277459239e+00};
    static constexpr double b[] = {-5.447609879822406e+01, 1.615858368580409e+02, -1.556989798598866e+02, 6.680131188771972e+01,
                                   -1.328068155288572e+01};
    static constexpr double c[] = {-7.784894002430293e-03, -3.223964580411365e-01, -2.400758277161838e+00,
                                   -2.549732539343734e+00, 4.374664141464968e+00,  2.938163982698783e+00};
    static constexpr double d[] = {7.784695709041462e-03, 3.224671290700398e-01, 2.445134137142996e+00, 3.754408661907416e+00};
    const auto tail = [&](double q) {
        return (((((c[0] * q + c[1]) * q + c[2]) * q + c[3]) * q + c[4]) * q + c[5]) /
               ((((d[0] * q + d[1]) * q + d[2]) * q + d[3]) * q + 1);
    };
    constexpr double low = 0.02425;
    if (p < low) return tail(std::sqrt(-2 * std::log(p)));
    if (p > 1 - low) return -tail(std::sqrt(-2 * std::log(1 - p)));
    const double q = p - 0.5, r = q * q;
    return (((((a[0] * r + a[1]) * r + a[2]) * r + a[3]) * r + a[4]) * r + a[5]) * q /
           (((((b[0] * r + b[1]) * r + b[2]) * r + b[3]) * r + b[4]) * r + 1);
}

double normal_share(double x) { return 0.5 * std::erfc(-x / std::numbers::sqrt2); }

}  // namespace

DelayDraws::DelayDraws(std::chrono::nanoseconds delay, std::chrono::nanoseconds jitter, DelaySpread spread, std::uint64_t seed)
    : delay_(static_cast<double>(delay.count())), jitter_(static_cast<double>(jitter.count())), spread_(std::move(spread)), seed_(seed) {
    std::ranges::sort(spread_.table);
}

// splitmix64 (Steele, Lea, Flood 2014), as in terms.bpf.h: the n-th draw of a seed.
std::uint64_t DelayDraws::draw(std::uint64_t seed, std::uint64_t n) {
    std::uint64_t z = seed + (n + 1) * 0x9e3779b97f4a7c15ULL;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
}

double DelayDraws::share() {
    const double fresh = (static_cast<double>(bits() >> 11) + 0.5) / 9007199254740992.0;  // 2^53
    if (spread_.correlation <= 0) return fresh;
    const double rho = spread_.correlation;
    const double now = first_ ? normal_quantile(fresh) : rho * before_ + std::sqrt(1 - rho * rho) * normal_quantile(fresh);
    first_ = false;
    before_ = now;
    return std::clamp(normal_share(now), 1e-12, 1 - 1e-12);
}

double DelayDraws::from_table(double share) const {
    const auto& table = spread_.table;
    const double at = share * static_cast<double>(table.size() - 1);
    const auto below = std::min(static_cast<std::size_t>(at), table.size() - 1), above = std::min(below + 1, table.size() - 1);
    const double one = static_cast<double>(table[below].count()), other = static_cast<double>(table[above].count());
    return one + (other - one) * (at - static_cast<double>(below));
}

std::uint64_t DelayDraws::next() {
    double delay = delay_;
    switch (spread_.distribution) {
        case Distribution::uniform:
            if (jitter_ > 0) delay += jitter_ * (2 * share() - 1);
            break;
        case Distribution::normal:
            delay += jitter_ * normal_quantile(share());
            break;
        case Distribution::pareto:
            delay += jitter_ * std::min(kParetoMost, (std::pow(1 - share(), -1.0 / 3) - kParetoMean) / kParetoDeviation);
            break;
        case Distribution::table:
            if (!spread_.table.empty()) delay += from_table(share());
            break;
    }
    return delay > 0 ? static_cast<std::uint64_t>(delay) : 0;
}

}  // namespace blackstart
