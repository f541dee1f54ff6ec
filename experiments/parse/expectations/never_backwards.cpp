#include "experiments/parse/expectations.h"
#include "experiments/parse/limits.h"

namespace blackstart {

template <> void describe_condition(Keys& keys, NeverBackwards&) {
    keys.about =
        "A generation (a number) never decreases: no stale plan over a newer one. Inconclusive when over 5% of the observations "
        "have no value. Source: 19 October 2025, an old DNS plan laid over a newer one.";
    keys.on("never_backwards", type::only_true(), [](bool) {}).need().says("true: a generation never decreases");
}

}  // namespace blackstart
