// How delays are spread about their middle.
#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

namespace blackstart {

enum class Distribution {
    uniform,  // in delay ± jitter
    normal,   // jitter is one standard deviation
    pareto,   // a long tail (shape 3), of mean delay and standard deviation jitter; cut at 20 of them
    table,    // delay and one of the table's times, read as equally spaced quantiles, in between them as well
};

struct DelaySpread {
    Distribution distribution = Distribution::uniform;
    std::vector<std::chrono::nanoseconds> table;
    double correlation = 0;  // of the normal variables behind two draws in a row (a Gaussian copula), [0, 1): the distribution stays
};

// Draws delays in nanoseconds, never below 0; the same ones from the same seed.
class DelayDraws {
public:
    DelayDraws(std::chrono::nanoseconds delay, std::chrono::nanoseconds jitter, DelaySpread spread, std::uint64_t seed);
    std::uint64_t next();

private:
    std::uint64_t bits() { return draw(seed_, drawn_++); }
    static std::uint64_t draw(std::uint64_t seed, std::uint64_t n);
    double share();  // uniform in (0, 1), correlated
    [[nodiscard]] double from_table(double share) const;

    const double delay_, jitter_;
    DelaySpread spread_;
    const std::uint64_t seed_;
    std::uint64_t drawn_ = 0;
    double before_ = 0;  // the last normal variable
    bool first_ = true;
};

}  // namespace blackstart
