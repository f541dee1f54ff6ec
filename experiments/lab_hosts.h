// The hosts of a lab: a network namespace each, on one bridge, and a mount namespace each, all anonymous.
//
// Every host has lo and eth0. Its addresses carry the longest prefix that holds all of the lab's addresses of their
// family, at most /24 and /64: every lab host is on-link for every other, and nothing else is reachable. There is no
// default route: what leaves the lab fails at once.
#pragma once

#include <map>
#include <string>

#include "experiments/experiment.h"
#include "injector/kernel/unique_fd.h"

namespace blackstart {

struct LabHost {
    unique_fd netns, mntns;
};

struct LabHosts {
    unique_fd bridge;  // the namespace that holds it
    std::map<std::string, LabHost> all;
};

// In a host's mount namespace these are private and fresh, besides /etc/hosts and /etc/resolv.conf: what a service leaves
// there goes with the lab. An experiment's folder cannot be below one of them.
inline constexpr const char* kPrivateFolders[] = {"/run", "/var/tmp", "/dev/shm"};

// Throws Misuse for an address that cannot be, Unfit where the machine does not allow it.
LabHosts make_hosts(const LabPlan& plan);

}  // namespace blackstart
