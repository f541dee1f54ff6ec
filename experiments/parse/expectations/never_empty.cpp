#include "experiments/parse/expectations.h"

namespace blackstart {
namespace {

Type<bool> only_true() {
    return {"true", Shape::flag, false, [](const Datum& datum, Complaints& complaints) -> std::optional<bool> {
                if (datum.type == Datum::Type::flag && datum.flag) return true;
                complaints.error(datum.place, "expected true: an expectation that is not wanted is left out");
                return std::nullopt;
            }};
}

}  // namespace

template <> void describe_condition(Keys& keys, NeverEmpty&) {
    keys.on("never_empty", only_true(), [](bool) {}).need().says("true: the value is never empty");
}

}  // namespace blackstart
