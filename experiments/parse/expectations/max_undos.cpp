#include "experiments/parse/expectations.h"

namespace blackstart {

template <> void describe_condition(Keys& keys, MaxUndos& undos) {
    keys.about =
        "Values put back to the one before (A, B, A): of consecutive distinct values v, each i with v[i] = v[i-2]. A change that "
        "arming or disarming caused is left out. An own measure, of automata that undo each other.";
    keys.add("max_undos", type::whole<int>(0, 1'000'000), undos.most).need().says("values put back to the one before, at most");
}

}  // namespace blackstart
