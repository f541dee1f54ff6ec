// The manual page of the command, blackstart(1), from the words that the command line knows, so that it cannot say otherwise.
#pragma once

#include <CLI/App.hpp>
#include <string>

namespace blackstart {

// roff, as man(7) has it.
std::string command_manual(const CLI::App& root);

}  // namespace blackstart
