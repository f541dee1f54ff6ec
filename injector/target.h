// Where a fault is put: names as a user writes them, resolved to descriptors and indexes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "injector/kernel/cgroup.h"
#include "injector/kernel/links.h"
#include "injector/kernel/unique_fd.h"

namespace blackstart {

// As written, in a file's [target.NAME] or as scope options of `inject`.
struct TargetSpec {
    std::string name;                    // of the table; "" for inject
    std::string netns;                   // "" = the host's own; NAME, /path or pid:N
    std::vector<std::string> interface;  // empty: every interface that is up and holds an address, and lo
    std::string cgroup;                  // a path below the cgroup v2 mount, an absolute path, or a systemd unit; "" = all traffic
    std::string mntns = {};              // whose /etc its names are looked up by: a path; "" = as kernel/mntns.h finds it
};

// Whether a socket may be in both of two cgroups, by their paths; "" is all of them.
bool share_cgroup(const std::string& one, const std::string& other);

struct Cgroup {
    std::uint64_t id = 0;     // 0: no scope
    std::uint32_t level = 0;  // depth below the cgroup v2 root, which is 0
    std::string path;         // below the mount, for people
};

struct Target {
    TargetSpec spec;
    unique_fd netns;  // open for as long as resolving, preparing and arming need it; empty: let go
    std::uint64_t netns_inode = 0;
    std::vector<Interface> interfaces;  // never empty; fixed here, later ones are not touched
    Cgroup cgroup;
};

// A cgroup by a path or a unit's name; id 0 for "" and for the root. Throws Unfit if there is none.
Cgroup resolve_cgroup(const std::string& spec);

// Whether its namespace can still be seen from here (visible_netns.h), by its name first: it cannot once its container is dead,
// whoever holds a descriptor of it.
bool still_there(const TargetSpec& spec, std::uint64_t netns_inode);

// Resolves every name now. Throws Unfit (exit 4) for a namespace, interface or cgroup that does not exist here.
Target resolve(const TargetSpec& spec);

}  // namespace blackstart
