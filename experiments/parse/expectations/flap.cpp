#include "experiments/parse/expectations.h"
#include "experiments/parse/limits.h"

namespace blackstart {

template <> void describe_condition(Keys& keys, Flap& flap) {
    keys.add("flap", type::share_limit(), flap.limit).need().says("changes of state as Nagios measures them, as in \"<= 20%\"");
}

}  // namespace blackstart
