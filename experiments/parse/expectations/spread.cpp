#include "experiments/parse/expectations.h"
#include "experiments/parse/limits.h"

namespace blackstart {

template <> void describe_condition(Keys& keys, Spread& spread) {
    keys.about =
        "A herd: the highest second after the trigger over the mean baseline second. Source: M. Brooker, Exponential Backoff And "
        "Jitter, 2015.";
    keys.add("spread", type::factor_limit(), spread.limit)
        .need()
        .says("highest second after the trigger over the mean baseline second, as in \"<= 2x\"");
    keys.add("meter", type::text("METER"), spread.meter).need().says("the meter whose counts are judged");
    keys.on("after", type::fault_end(),
            [&spread](FaultEnd end) {
                spread.fault = std::move(end.fault);
                spread.stop = end.stop;
            })
        .otherwise("the end of the last fault")
        .says("the trigger, as in \"lie.start\" or \"lie.stop\"");
}

}  // namespace blackstart
