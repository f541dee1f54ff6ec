#include "probes/unit.h"

#include "experiments/parse/probes.h"

namespace blackstart {

template <> void describe_probe(Keys& keys, UnitProbe& probe) {
    keys.about = "The state of a systemd unit.";
    keys.add("unit", type::text("UNIT"), probe.unit).need().says("its name; without a suffix it is a service");
    keys.nested("expect",
                [&probe](Keys& expect) {
                    expect.add("state", type::text("STATE"), probe.state).otherwise("active").says("active, inactive, failed …");
                })
        .says("what makes one observation ok");
    keys.check([](const Keys& all, const Place&, Complaints& complaints) {
        if (const auto* from = all.given("from"); from != nullptr)
            complaints.error(from->place, "from: units are the host's own: a unit probe runs nowhere else");
    });
}

}  // namespace blackstart
