// Which processes hold BPF programs and helper devices, as /proc/PID/fdinfo tells it.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <set>
#include <string>

namespace blackstart {

struct Holders {
    std::map<std::uint32_t, std::set<pid_t>> programs;  // by program id: through a program's or a link's descriptor
    std::map<std::string, std::set<pid_t>> taps;        // by device name, whatever its namespace
};

// Of every process that may be looked into; root sees all of its PID namespace.
Holders holders();

// Whether a process keeps its registry where we keep ours: one in a container, or in a test's mount namespace, does not.
bool shares_registry(pid_t pid);

// Whether this process can see every process of the machine: it is in the first PID namespace.
bool sees_every_process();

}  // namespace blackstart
