// What this kernel lets us do, found by asking it for the thing itself; no version is ever read.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace blackstart {

struct Missing {
    std::string reason, fix;
};

// Why tc programs cannot be loaded and attached by this process, through tcx or through clsact; nullopt if they can. Touches
// nothing: the attempt aims at an interface that cannot exist, or at a namespace made for it.
std::optional<Missing> missing_attachment();

struct Feature {
    std::string name;
    bool there = false;
    std::string detail;  // what was found, or why it is missing
    std::string use;     // what it is for
    std::string fix;     // if missing
};

// Everything that faults, targets and measurements lean on, each tried or read now, on a namespace made for that. Nothing
// that was not there before is there afterwards. Without privilege what cannot be tried counts as missing, with that reason.
std::vector<Feature> features();

}  // namespace blackstart
