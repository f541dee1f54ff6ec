// judge(Experiment, History) -> Verdict: pure. The same history always gives the same verdict, byte for byte.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "experiments/expectations/finding.h"
#include "experiments/experiment.h"
#include "experiments/history.h"

namespace blackstart {

struct Proof {                  // of one fault on one target
    std::string fault, target;  // target: "host" for the host itself
    std::uint64_t hits = 0;
    std::optional<std::uint64_t> own_probe_hits;
    bool proved = false;
    std::string why;  // why not: "hit nothing", "its lease lapsed", "the target went away"
};

struct Judged {
    std::size_t index = 0;  // in the experiment's expectations, from 0
    std::string probe, condition;
    Finding finding;
    std::vector<std::string> explanation;  // of what did not hold: the values around its moment, and what came before and after
};

struct Verdict {
    Outcome verdict = Outcome::inconclusive;
    int exit_code = 3;   // DESIGN §3, with its precedence
    std::string reason;  // one line: what decided
    bool restored = false;
    bool baseline = false;     // held
    std::string baseline_why;  // why not
    std::vector<Proof> faults;
    std::vector<Judged> expectations;
};

Verdict judge(const Experiment& experiment, const History& history);

// Before t0: whether the baseline holds with what is recorded so far. Empty: it does; else why not.
std::string baseline_failure(const Experiment& experiment, const History& history);

}  // namespace blackstart
