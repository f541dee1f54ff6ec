#include "injector/loss.h"

#include "experiments/parse/faults.h"
#include "experiments/parse/faults/match.h"

namespace blackstart {

template <> void describe(Keys& keys, LossFault& fault) {
    keys.about = "Lose a share of the packets that match, and no others.";
    keys.example = "blackstart inject loss --to 192.0.2.0/24 --share 10% --for 30s";
    describe_match(keys, fault.match);
    describe_choice(keys, fault.choice, "lost");
}

}  // namespace blackstart
