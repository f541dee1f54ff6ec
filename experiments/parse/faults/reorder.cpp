#include "injector/reorder.h"

#include "experiments/parse/faults.h"
#include "experiments/parse/faults/match.h"

namespace blackstart {

template <> void describe(Keys& keys, ReorderFault& fault) {
    keys.about = "Let a share of the packets that match be overtaken by others.";
    keys.example = "blackstart inject reorder --to 192.0.2.0/24 --share 10% --for 30s";
    describe_match(keys, fault.match);
    describe_choice(keys, fault.choice, "held back");
    keys.add("delay", type::duration(), fault.delay).otherwise("10ms").says("how long they are held back");
}

}  // namespace blackstart
