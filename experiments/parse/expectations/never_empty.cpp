#include "experiments/parse/expectations.h"
#include "experiments/parse/limits.h"

namespace blackstart {

template <> void describe_condition(Keys& keys, NeverEmpty&) {
    keys.on("never_empty", type::only_true(), [](bool) {}).need().says("true: the value is never empty");
}

}  // namespace blackstart
