// Processes as /proc tells of them (proc(5)), seen from this process's PID namespace.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace blackstart {

struct ProcessStat {
    std::string name;  // as the kernel keeps it: 15 bytes of it at most
    char state = 0;    // R, S, D, T, t, Z, X …
    pid_t parent = 0;
    std::uint64_t started = 0;  // clock ticks after boot: with the pid, it names one process for ever

    [[nodiscard]] bool stopped() const { return state == 'T' || state == 't'; }  // t: while somebody traces it
};

// nullopt: it is gone, or may not be seen.
std::optional<ProcessStat> process_stat(pid_t pid);

// Whether it does not go on: stopped, or held by a tracer. One that is traced shows `t` at each of its system calls as well, for a
// moment: what is seen so is watched for a tenth of a second.
bool stands_still(pid_t pid);

// Every process (thread group), by pid.
std::vector<pid_t> processes();

// Its threads; empty: it is gone.
std::vector<pid_t> threads(pid_t pid);

// Its cgroup v2 below the mount, "/system.slice/web.service"; "" if that cannot be read.
std::string cgroup_of(pid_t pid);

}  // namespace blackstart
