// The command line: words to functions of commands.h.
#pragma once

namespace blackstart {

// Reads the words, runs the command and returns its exit code. Throws Misuse and Unfit.
int command_line(int argc, char** argv);

}  // namespace blackstart
