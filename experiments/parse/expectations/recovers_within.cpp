#include "experiments/parse/expectations.h"
#include "experiments/parse/limits.h"

namespace blackstart {

template <> void describe_condition(Keys& keys, RecoversWithin& recovers) {
    keys.about =
        "Detected: the first observation after the event that is not ok. Recovered: the start of the first ok stretch after that "
        "which lasts for hold; a failure after it, before the window ends, is a relapse and deviates. Never not ok: 0 s, "
        "undisturbed. A window that ends before hold is over is inconclusive; nothing holds across a silence of the probe over 3 * every "
        "and hold/5. "
        "Source: the outage of 18 November 2025, where a good and a bad file in turn looked like recovery.";
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
