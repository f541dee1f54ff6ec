#include "experiments/parse/rate.h"

#include <array>
#include <charconv>
#include <cmath>

namespace blackstart::type {
namespace {

constexpr std::array<std::pair<std::string_view, double>, 4> kUnits{{{"bit", 1}, {"kbit", 1e3}, {"mbit", 1e6}, {"gbit", 1e9}}};

// Bits a second, or what is wrong.
std::string read_rate(const std::string& text, double& bits) {
    const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), bits);
    const std::string_view unit(rest, static_cast<std::size_t>(text.data() + text.size() - rest));
    if (error != std::errc{} || !std::isfinite(bits)) return R"(expected a rate such as "10mbit", not ')" + text + "'";
    if (std::signbit(bits)) return "a rate cannot be negative: '" + text + "'";
    if (unit.empty()) return "'" + text + "' has no unit: did you mean '" + text + "mbit'?";
    for (const auto& [name, factor] : kUnits)
        if (unit == name) {
            bits *= factor;
            return "";
        }
    return "unknown unit '" + std::string(unit) + "' in '" + text + "'" + hint(std::string(unit), {"bit", "kbit", "mbit", "gbit"});
}

}  // namespace

Type<std::uint64_t> rate(std::uint64_t least, std::uint64_t most) {
    return {"RATE", Shape::text, false, [=](const Datum& datum, Complaints& complaints) -> std::optional<std::uint64_t> {
                double bits = 0;
                std::string wrong = datum.type == Datum::Type::text ? read_rate(datum.text, bits)
                                                                    : R"(expected a rate such as "10mbit", not )" + described(datum);
                if (wrong.empty() && (bits < static_cast<double>(least) || bits > static_cast<double>(most)))
                    wrong = "a rate is from " + std::to_string(least / 1000) + "kbit to " + std::to_string(most / 1'000'000'000) +
                            "gbit, not " + datum.text;
                if (wrong.empty()) return static_cast<std::uint64_t>(bits);
                complaints.error(datum.place, wrong);
                return std::nullopt;
            }};
}

}  // namespace blackstart::type
