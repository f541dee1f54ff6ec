// The state of a systemd unit, asked of systemd over the system's D-Bus (org.freedesktop.systemd1(5)).
#pragma once

#include <string>

namespace blackstart {

struct UnitProbe {
    static constexpr const char* kind = "unit";
    std::string unit;              // "nginx.service"; without a suffix: a service
    std::string state = "active";  // expect.state; the value is ActiveState: active, inactive, activating, failed, …
};

}  // namespace blackstart
