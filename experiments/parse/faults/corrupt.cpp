#include "injector/corrupt.h"

#include "experiments/parse/faults.h"
#include "experiments/parse/faults/match.h"

namespace blackstart {

template <> void describe(Keys& keys, CorruptFault& fault) {
    keys.about = "Damage a share of the packets that match, and no others.";
    keys.example = "blackstart inject corrupt --to 192.0.2.0/24 --share 1% --for 30s";
    describe_match(keys, fault.match);
    describe_choice(keys, fault.choice, "damaged");
}

}  // namespace blackstart
