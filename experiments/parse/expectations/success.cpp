#include "experiments/parse/expectations.h"
#include "experiments/parse/limits.h"

namespace blackstart {

template <> void describe_condition(Keys& keys, SuccessLimit& success) {
    keys.add("success", type::share_limit(), success.limit).need().says("share of ok observations, as in \">= 99%\"");
}

}  // namespace blackstart
