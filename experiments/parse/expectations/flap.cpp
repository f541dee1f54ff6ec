#include "experiments/parse/expectations.h"
#include "experiments/parse/limits.h"

namespace blackstart {

template <> void describe_condition(Keys& keys, Flap& flap) {
    keys.about =
        "How much the probe flapped, as Nagios Core measures it (base/flapping.c): 21 states at equal steps across the window, 20 "
        "possible transitions c from the oldest to the newest, 100/20 * sum of c[i] * (0.75 + 0.5 * (i - 1)/19) percent.";
    keys.add("flap", type::share_limit(), flap.limit).need().says("changes of state as Nagios measures them, as in \"<= 20%\"");
}

}  // namespace blackstart
