#include "injector/name_index.h"

#include <algorithm>
#include <cctype>

namespace blackstart {
namespace {

// Each proper suffix of a name, the longest first: of "*.svc.test" as of "a.svc.test" they are "svc.test" and "test". The last one is
// empty: every name is below the root.
template <class Visit> void each_suffix(const std::string& name, Visit visit) {
    for (auto dot = name.find('.'); dot != std::string::npos; dot = name.find('.', dot + 1)) visit(name.substr(dot + 1));
    visit(std::string());
}

std::string wildcard(const std::string& suffix) { return suffix.empty() ? "*" : "*." + suffix; }

}  // namespace

std::string plain_name(std::string_view name) {
    if (name.size() > 1 && name.ends_with('.')) name.remove_suffix(1);
    std::string plain(name);
    std::ranges::transform(plain, plain.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return plain;
}

NameIndex::NameIndex(const std::vector<std::string>& names) {
    for (std::size_t i = 0; i < names.size(); i++) {
        const auto name = plain_name(names[i]);
        names_.emplace(name, i);
        each_suffix(name, [&](std::string suffix) { below_.emplace(std::move(suffix), i); });
    }
}

std::optional<std::size_t> NameIndex::meets(const std::string& name) const {
    const auto plain = plain_name(name);
    std::optional<std::size_t> found;
    const auto look = [&](const auto& map, const std::string& key) {
        if (const auto at = map.find(key); !found && at != map.end()) found = at->second;
    };
    look(names_, plain);
    each_suffix(plain, [&](const std::string& suffix) { look(names_, wildcard(suffix)); });
    if (plain == "*") look(below_, "");
    if (plain.starts_with("*.")) look(below_, plain.substr(2));
    return found;
}

}  // namespace blackstart
