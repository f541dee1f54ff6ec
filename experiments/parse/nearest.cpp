#include "experiments/parse/nearest.h"

#include <algorithm>
#include <cctype>

namespace blackstart {
namespace {

std::string lower(std::string_view text) {
    std::string out(text);
    std::ranges::transform(out, out.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return out;
}

}  // namespace

std::size_t distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0U : 1U)});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) row[j] = std::min(row[j], before[j - 2] + 1);
        }
        std::swap(before, last);
        std::swap(last, row);
    }
    return last[b.size()];
}

std::string nearest(std::string_view word, const std::vector<std::string>& allowed) {
    constexpr std::size_t longest = 64;  // a longer word is no slip, and costs its square
    if (word.empty() || word.size() > longest) return "";
    const std::string wanted = lower(word);
    std::string best;
    // In halves: a word cut short, or its plural or singular, is nearer than its letters say, but not as near as one slip.
    std::size_t least = 2 * std::max<std::size_t>(1, wanted.size() / 3) + 2;
    for (const auto& candidate : allowed) {
        const std::string name = lower(candidate);
        const std::size_t slips = distance(wanted, name);
        const bool cut = std::min(wanted.size(), name.size()) >= 3 && (name.starts_with(wanted) || wanted.starts_with(name));
        if (slips >= wanted.size() && !cut) continue;  // nothing of the word is left
        const std::size_t d = cut ? std::min<std::size_t>(2 * slips, 3) : 2 * slips;
        if (d < least) least = d, best = candidate;
    }
    return best;
}

std::string alternatives(const std::vector<std::string>& words) {
    std::string text;
    for (std::size_t i = 0; i < words.size(); ++i) text += (i == 0 ? "" : i + 1 == words.size() ? " or " : ", ") + words[i];
    return text;
}

std::string hint(std::string_view word, const std::vector<std::string>& allowed) {
    if (const auto near = nearest(word, allowed); !near.empty()) return "; did you mean '" + near + "'?";
    if (allowed.empty() || allowed.size() > 16) return "";
    return "; expected " + alternatives(allowed);
}

}  // namespace blackstart
