// What a report is made from, and the words that reports share. Reports add nothing to a verdict: they tell it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "experiments/run_folder.h"

namespace blackstart {

// One thing that happened, in words; single observations and counts are not among them.
struct Told {
    Time t{0};          // since the origin of the history
    std::string kind;   // the event's word: "armed"
    std::string about;  // a fault, probe or service; "" = the run
    std::string what;   // one line
};

// All events but observations, by time; what a meter counted in one line each for the baseline and for the time from t0 on.
std::vector<Told> told(const History& history);

// A fault in force on one target.
struct Act {
    std::string fault, target;
    Time from{0}, to{0};                    // `to`: the end of the history, if it is not recorded
    const event::Disarmed* over = nullptr;  // in the history, which must outlive this; none: its end is not recorded
};
// By the time when they ended, open ones last.
std::vector<Act> acts(const History& history);

// When the baseline was over; nullopt if it never was.
std::optional<Time> t0(const History& history);

// "success of customers during the fault": unique among the experiment's expectations, by a number where it would not be.
std::vector<std::string> titles(const JudgedRun& run);

// When the history's last event happened, since its origin.
Time length(const History& history);

}  // namespace blackstart
