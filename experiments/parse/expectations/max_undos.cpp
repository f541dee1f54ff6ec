#include "experiments/parse/expectations.h"

namespace blackstart {

template <> void describe_condition(Keys& keys, MaxUndos& undos) {
    keys.add("max_undos", type::whole<int>(0, 1'000'000), undos.most).need().says("values put back to the one before, at most");
}

}  // namespace blackstart
