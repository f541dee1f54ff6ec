// Which way packets go, seen from the host that an interface belongs to.
#pragma once

namespace blackstart {

enum class Direction { ingress, egress };

}  // namespace blackstart
