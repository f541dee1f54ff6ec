// TOML -> Experiment. Reports every error in the text, not only the first.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "experiments/experiment.h"

namespace blackstart {

struct Diagnostic {
    std::string file;
    std::size_t line = 0, column = 0;  // from 1; 0: the whole file
    std::string text;                  // what is wrong, and the nearest right word where there is one
};

struct Parsed {
    Experiment experiment;  // complete only if there are no errors
    std::vector<Diagnostic> errors, warnings;
};

// `file` is used for messages only.
Parsed parse(std::string_view text, const std::string& file);
// The experiment of a text that is right, with the [[expect]] tables of another file, and nothing else of it, in place of its
// own. Errors and warnings are those of the other file, which may be a whole experiment: that the rest is not read is warned of.
Parsed parse_expecting(std::string_view right, std::string_view text, const std::string& file);
// The lines of its [[expect]] tables, in their order.
std::vector<std::size_t> expectation_lines(std::string_view right);
// Throws Misuse if it cannot be read.
std::string read_file(const std::filesystem::path& file);

// "file:line:column: text", as compilers print it.
std::string to_string(const Diagnostic& diagnostic);

}  // namespace blackstart
