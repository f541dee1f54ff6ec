// The nearest right word, for messages.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace blackstart {

// Insertions, deletions, replacements and swaps of neighbours (Damerau-Levenshtein, optimal string alignment).
std::size_t distance(std::string_view a, std::string_view b);

// The nearest of `allowed` in whatever case, if it is near enough to be a slip of the hand; else "".
std::string nearest(std::string_view word, const std::vector<std::string>& allowed);

// To be put behind "unknown NOUN 'word'": "; did you mean 'x'?", or "; expected a, b or c" when nothing is near, or "".
std::string hint(std::string_view word, const std::vector<std::string>& allowed);

// "a, b or c"
std::string alternatives(const std::vector<std::string>& words);

}  // namespace blackstart
