// The cgroup v2 tree.
#pragma once

#include <string>

namespace blackstart {

// Where cgroup v2 is mounted, from /proc/self/mountinfo; "" if it is not.
std::string cgroup2_mount();

}  // namespace blackstart
