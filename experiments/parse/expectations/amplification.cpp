#include "experiments/parse/expectations.h"
#include "experiments/parse/limits.h"

namespace blackstart {

template <> void describe_condition(Keys& keys, Amplification& amplification) {
    keys.add("amplification", type::factor_limit(), amplification.limit)
        .need()
        .says("highest second over the mean baseline second, as in \"<= 3x\"");
    keys.add("meter", type::text("METER"), amplification.meter).need().says("the meter whose counts are judged");
}

}  // namespace blackstart
