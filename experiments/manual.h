// The manual page of the experiment file, blackstart.toml(5): made from what the parser reads by, so that it cannot say otherwise.
#pragma once

#include <string>

namespace blackstart {

// Markdown, as pandoc -s -t man takes it: every table, its keys, their units, what holds if they are absent, and each condition's formula.
std::string manual();

}  // namespace blackstart
