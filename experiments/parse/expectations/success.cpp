#include "experiments/parse/expectations.h"
#include "experiments/parse/limits.h"

namespace blackstart {

template <> void describe_condition(Keys& keys, SuccessLimit& success) {
    keys.about =
        "The share of ok observations, by its Wilson interval (one-sided 95% at each end, z = 1.645; Wilson 1927): held if the "
        "whole interval is inside the limit, deviated if it is outside, else inconclusive. 268 clean samples hold 99%. What is "
        "missing counts against either answer.";
    keys.add("success", type::share_limit(), success.limit).need().says("share of ok observations, as in \">= 99%\"");
}

}  // namespace blackstart
