// Network namespaces that can be reached from here: the kernel has no list of them.
#pragma once

#include <cstdint>
#include <map>

#include "injector/kernel/unique_fd.h"

namespace blackstart {

// Every namespace that a process is in or a mount holds, by inode number (netns_id). What may not be read is left out.
std::map<std::uint64_t, unique_fd> visible_namespaces();

// The namespace with that inode number, also one that only some process's descriptor holds. Empty: it is gone.
unique_fd find_namespace(std::uint64_t inode);

// The kernel's own number of a namespace (SO_NETNS_COOKIE, Linux 5.14): unlike the inode number never given twice in one
// boot. A negative descriptor: the caller's own. Throws Unfit.
std::uint64_t netns_cookie(int netns_fd);

}  // namespace blackstart
