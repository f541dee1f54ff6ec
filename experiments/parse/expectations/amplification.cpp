#include "experiments/parse/expectations.h"
#include "experiments/parse/limits.h"

namespace blackstart {

template <> void describe_condition(Keys& keys, Amplification& amplification) {
    keys.about =
        "The highest second of what a meter counts over the mean baseline second. Inconclusive if the baseline's own highest "
        "second exceeds the limit, or it has fewer than 30 events. Source: retry amplification, (1 - p^n)/(1 - p) attempts per "
        "call.";
    keys.add("amplification", type::factor_limit(), amplification.limit)
        .need()
        .says("highest second over the mean baseline second, as in \"<= 3x\"");
    keys.add("meter", type::text("METER"), amplification.meter).need().says("the meter whose counts are judged");
}

}  // namespace blackstart
