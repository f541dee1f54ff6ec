// Mount namespaces as descriptors: by which files of /etc a namespace's applications find names.
#pragma once

#include <functional>
#include <string_view>

#include "injector/kernel/unique_fd.h"

namespace blackstart {

// A copy of this process's mounts, of which nothing is seen outside; `furnish` runs in it. Throws Unfit.
unique_fd make_mntns(const std::function<void()>& furnish);

// Where the applications of a network namespace (as open_netns takes it) read /etc/hosts and resolv.conf: of pid:N that process's
// mounts; of a name that has files in /etc/netns/NAME a copy with these in their places, as `ip netns exec` makes it (ip-netns(8)).
// Empty: where this process does, and where it may not ask.
unique_fd open_mntns_of(std::string_view netns);

// For good, of a process about to look a name up: in the files of that namespace and in DNS, and nowhere else. Both are libc's own:
// nothing that its nsswitch.conf names is loaded from it. False: errno.
bool enter_to_look_up(int mntns_fd);

}  // namespace blackstart
