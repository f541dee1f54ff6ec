#include "experiments/repetition.h"

#include <algorithm>
#include <initializer_list>

namespace blackstart {

namespace {

// The first of these that a run ended with, or what cut the last one short.
int first_of(std::initializer_list<int> codes, const Repetition& repetition) {
    if (repetition.runs.empty()) return 3;
    if (repetition.runs.back().exit_code > 3) return repetition.runs.back().exit_code;
    const auto ended_so = [&](int code) {
        return std::ranges::find(repetition.runs, code, &RunOfMany::exit_code) != repetition.runs.end();
    };
    const auto* found = std::ranges::find_if(codes, ended_so);
    return found == codes.end() ? 3 : *found;
}

}  // namespace

int exit_code(const Repetition& repetition) { return first_of({1, 3, 0}, repetition); }

int exit_code_of_weak(const Repetition& repetition) { return first_of({0, 3, 1}, repetition); }

}  // namespace blackstart
