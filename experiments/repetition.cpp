#include "experiments/repetition.h"

#include <algorithm>

namespace blackstart {

int exit_code(const Repetition& repetition) {
    const auto any = [&](auto which) { return std::ranges::any_of(repetition.runs, which); };
    if (repetition.runs.empty()) return 3;
    if (repetition.runs.back().exit_code > 3) return repetition.runs.back().exit_code;
    if (any([](const RunOfMany& run) { return run.exit_code == 1; })) return 1;
    return any([](const RunOfMany& run) { return run.exit_code != 0; }) ? 3 : 0;
}

}  // namespace blackstart
