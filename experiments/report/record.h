// What a report is made from, and the words that reports share. Reports add nothing to a verdict: they tell it.
#pragma once

#include <string>
#include <vector>

#include "experiments/run_folder.h"

namespace blackstart {

// One thing that happened, in words; observations are not among them.
struct Told {
    Time t{0};          // since the origin of the history
    std::string kind;   // the event's word: "armed"
    std::string about;  // a fault, probe or service; "" = the run
    std::string what;   // one line
};

// All events but observations, by time.
std::vector<Told> told(const History& history);

// "success of customers during the fault": unique among the experiment's expectations, by a number where it would not be.
std::vector<std::string> titles(const JudgedRun& run);

// When the history's last event happened, since its origin.
Time length(const History& history);

}  // namespace blackstart
