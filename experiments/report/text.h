// The verdict for people: what decided first, then its three parts. At most 100 columns, a newline at the end.
#pragma once

#include <string>

#include "experiments/experiment.h"
#include "experiments/verdict.h"

namespace blackstart {

std::string to_text(const Experiment& experiment, const Verdict& verdict, bool colour);

// The text without what could steer a terminal: a probed server chooses what `why` says.
std::string harmless(std::string text);

// Whether colour may be used on the descriptor: it is a terminal and NO_COLOR is not set (no-color.org).
bool wants_colour(int fd);

}  // namespace blackstart
