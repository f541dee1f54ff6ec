#include "experiments/parse/limits.h"

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

}  // namespace blackstart::type
