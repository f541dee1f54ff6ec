#include "experiments/parse/expectations.h"
#include "experiments/parse/limits.h"

namespace blackstart {
namespace {

Type<double> count() {
    return {"N", Shape::scalar, false, [](const Datum& datum, Complaints& complaints) -> std::optional<double> {
                const auto number = plain_number(datum);
                if (!number) complaints.error(datum.place, "expected a number, not " + described(datum));
                return number;
            }};
}

}  // namespace

template <> void describe_condition(Keys& keys, Exactly& exactly) {
    keys.about =
        "A count (a number, or how many members a set has: primaries, holders of an address) is always the one that is asked for. "
        "Source: September 2012, when two nodes that had lost each other's heartbeats fenced each other.";
    keys.add("exactly", count(), exactly.count).need().says("the count, always: of a number, or of a set's members");
}

}  // namespace blackstart
