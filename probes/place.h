// Where a probe or a service runs: a network namespace and, for a lab host, the mount namespace with its own
// /etc/hosts and resolv.conf. Descriptors are borrowed: they must outlive the user. Negative: the caller's own.
#pragma once

namespace blackstart {

struct Place {
    int netns = -1;
    int mntns = -1;
};

}  // namespace blackstart
