// What fits at the end of a command line that is being typed: for the completions of shells (completion/).
#pragma once

#include <CLI/App.hpp>
#include <map>
#include <string>
#include <vector>

namespace blackstart {

// The words that an option's value can be.
using Choices = std::map<const CLI::Option*, std::vector<std::string>>;

// `words`: those after `blackstart`, the last one as far as it is typed (maybe ""). One candidate a line, with a tab and a few words
// about it; a line ":files" where files fit as well. Commands, kinds, options and words come from `root` and `choices`; drills, kept runs,
// namespaces, interfaces and units from this host, as far as this user may see them.
std::string completions(const CLI::App& root, const Choices& choices, const std::vector<std::string>& words);

}  // namespace blackstart
