#include "experiments/expectations/wilson.h"

#include <algorithm>
#include <cmath>

namespace blackstart {
namespace {

constexpr double z = 1.645;

}  // namespace

Interval wilson(std::size_t ok, std::size_t n) {
    const auto count = static_cast<double>(n);
    const double share = static_cast<double>(ok) / count;
    const double middle = share + z * z / (2 * count);
    const double half = z * std::sqrt(share * (1 - share) / count + z * z / (4 * count * count));
    const double scale = 1 + z * z / count;
    return {ok == 0 ? 0 : std::max(0.0, (middle - half) / scale), ok == n ? 1 : std::min(1.0, (middle + half) / scale)};
}

std::size_t clean_samples(double share) {
    if (share >= 1) return 0;
    // n clean samples have low = n / (n + z²).
    auto n = static_cast<std::size_t>(std::max(1.0, std::floor(share * z * z / (1 - share))));
    while (wilson(n, n).low < share) n++;
    return n;
}

}  // namespace blackstart
