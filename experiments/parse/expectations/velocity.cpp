#include "experiments/parse/expectations.h"

namespace blackstart {

template <> void describe_condition(Keys& keys, Velocity& velocity) {
    keys.about =
        "The sum of the decreases (not the net) in any sliding per, over the median of the baseline's values. What comes back in "
        "between counts for nothing; of a set it is the members that are gone. Source: the velocity control announced after 20 October "
        "2025 for capacity that health checks remove.";
    const auto table = type::table<Velocity>("velocity", [](Keys& inner, Velocity& read) {
        inner.add("removes_at_most", type::share(type::Zero::allowed), read.removes_at_most)
            .need()
            .says("share of the baseline's median, as in \"25%\"");
        inner.add("per", type::duration(), read.per).need().says("sliding window, as in \"60s\"");
    });
    keys.add("velocity", table, velocity).need().says("what is taken away, as in { removes_at_most = \"25%\", per = \"60s\" }");
}

}  // namespace blackstart
