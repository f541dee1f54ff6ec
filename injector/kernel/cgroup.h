// The cgroup v2 tree.
#pragma once

#include <string>

namespace blackstart {

// Where cgroup v2 is mounted, from /proc/self/mountinfo; "" if it is not.
std::string cgroup2_mount();

// This process's own, as a directory; "" if it cannot be told.
std::string own_cgroup();

// Removes a cgroup and those below it as soon as no process is in there; false if that is not so within a second.
bool remove_cgroup(const std::string& directory);

}  // namespace blackstart
