#include "experiments/parse/expectations.h"
#include "experiments/parse/limits.h"

namespace blackstart {

template <> void describe_condition(Keys& keys, AgreesWith& agrees) {
    keys.about =
        "The share of the time in which two probes, a checker and the data path, say different things; a state holds until the "
        "next observation. Source: Huang et al., Gray Failure, HotOS 2017.";
    keys.add("agrees_with", type::text("PROBE"), agrees.other).need().says("the probe that has to say the same at any time");
    keys.add("disagreement", type::share_limit(), agrees.disagreement).need().says("share of the time, as in \"<= 5%\"");
}

}  // namespace blackstart
