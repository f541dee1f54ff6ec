#include "experiments/parse/limits.h"

#include <charconv>
#include <cmath>

namespace blackstart::type {
namespace {

// Takes the comparison from the front of a text; nothing if there is none.
std::optional<Limit::Op> leading_op(std::string& text) {
    static constexpr std::pair<std::string_view, Limit::Op> ops[] = {
        {"<=", Limit::Op::at_most}, {">=", Limit::Op::at_least}, {"<", Limit::Op::less}, {">", Limit::Op::more}};
    for (const auto& [sign, op] : ops)
        if (text.starts_with(sign)) {
            text.erase(0, sign.size());
            text.erase(0, text.find_first_not_of(' '));
            return op;
        }
    return std::nullopt;
}

// `value`: reads what stands behind the comparison.
Type<Limit> limit(const std::string& example, std::function<std::optional<double>(const Datum&, Complaints&)> value) {
    return {"LIMIT", Shape::text, false,
            [example, value = std::move(value)](const Datum& datum, Complaints& complaints) -> std::optional<Limit> {
                Datum rest = datum;
                const auto op = datum.type == Datum::Type::text ? leading_op(rest.text) : std::nullopt;
                if (!op) {
                    complaints.error(datum.place, "expected a limit such as \"" + example + "\", not " + described(datum));
                    return std::nullopt;
                }
                const auto read = value(rest, complaints);
                if (!read) return std::nullopt;
                return Limit{*op, *read, datum.text};
            }};
}

}  // namespace

Type<Limit> share_limit() { return limit(">= 99%", share(Zero::allowed).read); }

Type<Limit> duration_limit() {
    return limit("<= 250ms", [](const Datum& datum, Complaints& complaints) -> std::optional<double> {
        const auto value = duration(Zero::allowed).read(datum, complaints);
        if (!value) return std::nullopt;
        return static_cast<double>(value->count());
    });
}

Type<Limit> factor_limit() {
    return limit("<= 3x", [](const Datum& datum, Complaints& complaints) -> std::optional<double> {
        double value = 0;
        const char* const last = datum.text.data() + datum.text.size();
        const auto [end, error] = std::from_chars(datum.text.data(), last, value, std::chars_format::fixed);
        if (error == std::errc() && std::string_view(end, last) == "x" && std::isfinite(value) && value > 0) return value;
        complaints.error(datum.place, "expected a multiple above 0 such as \"3x\", not " + described(datum));
        return std::nullopt;
    });
}

Type<bool> only_true() {
    return {"true", Shape::flag, false, [](const Datum& datum, Complaints& complaints) -> std::optional<bool> {
                if (datum.type == Datum::Type::flag && datum.flag) return true;
                complaints.error(datum.place, "expected true: an expectation that is not wanted is left out");
                return std::nullopt;
            }};
}

Type<FaultEnd> fault_end() {
    return {"FAULT.start|FAULT.stop", Shape::text, false, [](const Datum& datum, Complaints& complaints) -> std::optional<FaultEnd> {
                const auto dot = datum.text.rfind('.');
                const auto word = dot == std::string::npos ? "" : datum.text.substr(dot + 1);
                if (datum.type == Datum::Type::text && dot != 0 && (word == "start" || word == "stop"))
                    return FaultEnd{datum.text.substr(0, dot), word == "stop"};
                const auto near = nearest(word, {"start", "stop"});
                complaints.error(datum.place, "expected a fault's name and .start or .stop, as in \"lie.stop\", not " + described(datum) +
                                                  (near.empty() ? "" : "; did you mean '" + datum.text.substr(0, dot) + "." + near + "'?"));
                return std::nullopt;
            }};
}

}  // namespace blackstart::type

namespace blackstart {

std::optional<double> plain_number(const Datum& datum) {
    if (datum.type == Datum::Type::integer) return static_cast<double>(datum.integer);
    if (datum.type == Datum::Type::real && std::isfinite(datum.real)) return datum.real;
    return std::nullopt;
}

}  // namespace blackstart
