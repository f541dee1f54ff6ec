#include "injector/reset.h"

#include "experiments/parse/faults.h"
#include "experiments/parse/faults/match.h"

namespace blackstart {

template <> void describe(Keys& keys, ResetFault& fault) {
    keys.about = "Reset TCP connections that match, open ones and new ones.";
    keys.example = "blackstart inject reset --to 192.0.2.0/24 --port 5432 --for 10s";
    describe_match(keys, fault.match);
    keys.check([&fault](const Keys& all, const Place&, Complaints& complaints) {
        const auto* protocol = all.given("protocol");
        if (protocol != nullptr && all.right("protocol") && fault.match.protocol != "tcp" && fault.match.protocol != "any")
            complaints.error(protocol->place, "protocol: only TCP has connections to reset, not " + fault.match.protocol);
    });
}

}  // namespace blackstart
