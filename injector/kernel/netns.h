// Network namespaces as descriptors.
#pragma once

#include <cstdint>
#include <string_view>

#include "injector/kernel/unique_fd.h"

namespace blackstart {

// Opens a namespace by what a user writes: "" (the caller's own), "NAME" (/run/netns/NAME), a path ("/…"), or "pid:N".
// Throws Unfit (exit 4) if it does not exist here or is something else, Misuse for a malformed pid.
unique_fd open_netns(std::string_view spec);

// A new, anonymous network namespace: it lives as long as a descriptor, a process or a device of it does. Its `lo` is up.
unique_fd make_netns();

// The inode number of a namespace: the same for every descriptor of one namespace.
std::uint64_t netns_id(int fd);

// Puts the calling thread into a namespace and back again when it goes. A negative descriptor changes nothing.
// Sockets and BPF links made in between belong to that namespace.
class InNetns {
public:
    explicit InNetns(int fd);
    ~InNetns();
    InNetns(const InNetns&) = delete;
    InNetns& operator=(const InNetns&) = delete;

private:
    unique_fd home_;
};

}  // namespace blackstart
