#include "experiments/parse/faults/answers.h"

#include <algorithm>

namespace blackstart {

std::string path_fault(const std::string& path) {
    if (!path.starts_with('/')) return "a path begins with '/': did you mean '/" + path + "'?";
    if (path.find('?') != std::string::npos) return "the path ends before the query: leave out '" + path.substr(path.find('?')) + "'";
    if (std::ranges::any_of(path, [](unsigned char c) { return c <= ' ' || c == 0x7f; })) return "a path holds no blanks";
    const auto star = path.find('*');
    return star == std::string::npos || star + 1 == path.size() ? "" : "'*' stands for the rest of a path: only at its end";
}

Type<std::uint16_t> shown_status() {
    return {"STATUS", Shape::scalar, false, [](const Datum& datum, Complaints& complaints) -> std::optional<std::uint16_t> {
                const auto status = datum.integer;
                const bool right = datum.type == Datum::Type::integer && status >= 200 && status <= 599 && status != 204 && status != 304;
                if (right) return static_cast<std::uint16_t>(status);
                complaints.error(datum.place, "a status is 200 to 599, without 204 and 304 (they have no body), not " +
                                                  (datum.type == Datum::Type::integer ? std::to_string(status) : described(datum)));
                return std::nullopt;
            }};
}

}  // namespace blackstart
