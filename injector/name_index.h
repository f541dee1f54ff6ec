// DNS names as a user writes them, and which of two lists have a name in common, without looking at each pair.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace blackstart {

// In lower case, without the last dot.
std::string plain_name(std::string_view name);

class NameIndex {
public:
    // "db.test", "*.svc.test" (what is below svc.test, at any depth), "*" (every name).
    explicit NameIndex(const std::vector<std::string>& names);

    // The position of one of them that matches some name which `name` matches as well: "*.test" meets "*.svc.test" and "a.svc.test",
    // and is met by them.
    [[nodiscard]] std::optional<std::size_t> meets(const std::string& name) const;

private:
    std::unordered_map<std::string, std::size_t> names_;  // plain
    std::unordered_map<std::string, std::size_t> below_;  // a suffix, and a name that is below it
};

}  // namespace blackstart
