// The Wilson score interval of a share (E. B. Wilson, JASA 22, 1927): what a share of n samples says of the share behind it.
#pragma once

#include <cstddef>

namespace blackstart {

struct Interval {
    double low = 0, high = 1;  // shares, 0..1
};

// One-sided 95% at each end (z = 1.645). 1 <= n, ok <= n. No sample that is not ok: high is exactly 1; none that is: low is 0.
Interval wilson(std::size_t ok, std::size_t n);

// The fewest samples, all of them ok, that show a share of at least `share`: 268 for 0.99. 0 if no number does (1 and above).
std::size_t clean_samples(double share);

}  // namespace blackstart
