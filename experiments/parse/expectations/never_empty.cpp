#include "experiments/parse/expectations.h"
#include "experiments/parse/limits.h"

namespace blackstart {

template <> void describe_condition(Keys& keys, NeverEmpty&) {
    keys.about =
        "The value (an answer set, a text, how many a pool has) is never empty: no members, no characters, 0; no reply is not empty. "
        "Inconclusive when over 5% of the observations have no value. Source: 19 October 2025, the empty record of a database's front "
        "door.";
    keys.on("never_empty", type::only_true(), [](bool) {}).need().says("true: the value is never empty");
}

}  // namespace blackstart
