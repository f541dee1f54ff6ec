#include "experiments/expectations/values.h"
#include "experiments/parse/expectations.h"
#include "experiments/parse/limits.h"

namespace blackstart {
namespace {

// "50%" of the baseline's median, or a number as it is.
Type<NeverBelow> floor() {
    return {"FLOOR", Shape::scalar, false, [](const Datum& datum, Complaints& complaints) -> std::optional<NeverBelow> {
                if (const auto plain = plain_number(datum)) return NeverBelow{*plain, false, number_text(*plain)};
                if (datum.type != Datum::Type::text) {
                    complaints.error(datum.place,
                                     "expected a share such as \"50%\" of the baseline's median, or a number, not " + described(datum));
                    return std::nullopt;
                }
                const auto share = type::share(type::Zero::allowed).read(datum, complaints);
                if (!share) return std::nullopt;
                return NeverBelow{*share, true, datum.text};
            }};
}

}  // namespace

template <> void describe_condition(Keys& keys, NeverBelow& below) {
    keys.about =
        "An amount (a number, or how many members a set has) is never under a floor: a number, or a share of the median of the "
        "baseline's values. Source: 4 October 2021, when all DNS servers of a network withdrew their own announcements.";
    keys.add("never_below", floor(), below).need().says("floor of a number: \"50%\" of the baseline's median, or a number");
}

}  // namespace blackstart
