// Which processes a process fault is for, and which it must never be for.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "injector/kernel/proc.h"
#include "injector/process.h"
#include "injector/target.h"

namespace blackstart {

// Selectors of a ProcessFault, resolved: all that is set must hold.
struct Selection {
    std::vector<pid_t> pids;
    std::string exe;              // canonical path; "" = any
    std::vector<Cgroup> cgroups;  // below each of them
    std::uint64_t netns_inode = 0;
};

// Throws Unfit for an executable, cgroup or unit that does not exist here.
Selection resolve_selection(const ProcessFault& fault, const Target& target);

// The file as stat(2) and the kernel's own structs both tell it.
struct FileIdentity {
    std::uint64_t inode = 0, device = 0;  // device as MKDEV has it (linux/kdev_t.h); 0 where the file system shows another
};
std::optional<FileIdentity> identity(const std::string& path);

struct Victim {
    pid_t pid = 0;
    ProcessStat stat;
    unique_fd pidfd;
};

struct Victims {
    std::vector<Victim> found;        // by pid
    std::vector<std::string> spared;  // selected, but protected: "process 812 (sshd)"
};
Victims find_victims(const Selection& selection);

// Whether a process is never to be hurt, whoever selects it.
bool is_protected(pid_t pid, const ProcessStat& stat);

}  // namespace blackstart
