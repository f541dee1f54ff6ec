#include "experiments/guard.h"

#include <fmt/format.h>

#include "experiments/expectations/figures.h"

namespace blackstart {

std::optional<std::string> GuardWatch::see(const Observation& observation, std::chrono::nanoseconds now) {
    if (observation.start < t0_) return std::nullopt;
    window_.emplace_back(observation.start, observation.ok);
    ok_ += observation.ok ? 1 : 0;
    while (window_.front().first < now - guard_.over && window_.size() > 1) {
        ok_ -= window_.front().second ? 1 : 0;
        window_.pop_front();
    }
    if (now - t0_ < guard_.over) return std::nullopt;
    const double share = static_cast<double>(ok_) / static_cast<double>(window_.size());
    if (!meets(share, guard_.success)) return std::nullopt;
    return fmt::format("{} ({} of {} ok over {:g}s)", guard_.text, ok_, window_.size(), std::chrono::duration<double>(guard_.over).count());
}

}  // namespace blackstart
