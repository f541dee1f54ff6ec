#include "experiments/parse/expectations.h"

namespace blackstart {

template <> void describe_condition(Keys& keys, MaxTransitions& transitions) {
    keys.about =
        "Changes from ok to not ok or back. A missing observation could hide two: they count against an answer of held. "
        "Source: the health checks of 20 October 2025, which failed and passed in turn.";
    keys.add("max_transitions", type::whole<int>(0, 1'000'000), transitions.most).need().says("changes between ok and not ok, at most");
}

}  // namespace blackstart
