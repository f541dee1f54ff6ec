#include "injector/duplicate.h"

#include "experiments/parse/faults.h"
#include "experiments/parse/faults/match.h"

namespace blackstart {

template <> void describe(Keys& keys, DuplicateFault& fault) {
    keys.about = "Send a share of the packets that match twice, and no others.";
    keys.example = "blackstart inject duplicate --to 192.0.2.0/24 --share 10% --for 30s";
    describe_match(keys, fault.match);
    describe_choice(keys, fault.choice, "sent twice");
}

}  // namespace blackstart
