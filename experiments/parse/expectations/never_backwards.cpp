#include "experiments/parse/expectations.h"
#include "experiments/parse/limits.h"

namespace blackstart {

template <> void describe_condition(Keys& keys, NeverBackwards&) {
    keys.on("never_backwards", type::only_true(), [](bool) {}).need().says("true: a generation never decreases");
}

}  // namespace blackstart
