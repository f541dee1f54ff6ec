#include "experiments/parse/expectations.h"

namespace blackstart {

template <> void describe_condition(Keys& keys, MaxTransitions& transitions) {
    keys.add("max_transitions", type::whole<int>(0, 1'000'000), transitions.most).need().says("changes between ok and not ok, at most");
}

}  // namespace blackstart
