// How help looks: an example that runs as it stands, what the command does, then every option on a line; a screen at most.
#pragma once

#include <CLI/App.hpp>
#include <memory>
#include <string>

namespace blackstart {

// The example of a command is its footer.
std::shared_ptr<CLI::FormatterBase> help_formatter();

}  // namespace blackstart
