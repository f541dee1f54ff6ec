#include "experiments/parse/expectations.h"
#include "experiments/parse/limits.h"

namespace blackstart {

template <> void describe_condition(Keys& keys, RecoversWithin& recovers) {
    keys.add("recovers_within", type::duration(), recovers.within).need().says("from the event to the start of a lasting ok stretch");
    keys.on("after", type::fault_end(),
            [&recovers](FaultEnd end) {
                recovers.fault = std::move(end.fault);
                recovers.stop = end.stop;
            })
        .need()
        .says("the event, as in \"lie.start\" or \"lie.stop\"");
    keys.add("hold", type::duration(), recovers.hold).otherwise("5s").says("how long the ok stretch lasts");
}

}  // namespace blackstart
