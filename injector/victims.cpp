#include "injector/victims.h"

#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "injector/kernel/error.h"

namespace blackstart {
namespace {

// Their files have another device in stat(2) than in the kernel's inode (linux/magic.h).
constexpr auto kOverlay = 0x794c7630, kBtrfs = static_cast<int>(0x9123683eU);

std::string link_of(pid_t pid, const char* what) {
    std::error_code gone;
    return std::filesystem::read_symlink("/proc/" + std::to_string(pid) + "/" + what, gone).string();
}

// By the file, or by the path of one that was replaced since.
bool runs(pid_t pid, const std::string& exe) {
    struct stat mine {
    }, theirs{};
    const auto own = "/proc/" + std::to_string(pid) + "/exe";
    if (::stat(exe.c_str(), &mine) == 0 && ::stat(own.c_str(), &theirs) == 0 && mine.st_ino == theirs.st_ino &&
        mine.st_dev == theirs.st_dev)
        return true;
    const auto path = link_of(pid, "exe");
    return path == exe || path == exe + " (deleted)";
}

bool below(const std::string& cgroup, const Cgroup& wanted) {
    const auto path = "/" + wanted.path;
    return cgroup == path || cgroup.starts_with(path + "/");
}

bool selected(pid_t pid, const Selection& wanted) {
    if (!wanted.pids.empty() && std::ranges::find(wanted.pids, pid) == wanted.pids.end()) return false;
    if (!wanted.exe.empty() && !runs(pid, wanted.exe)) return false;
    if (!wanted.cgroups.empty()) {
        const auto cgroup = cgroup_of(pid);
        if (!std::ranges::all_of(wanted.cgroups, [&](const Cgroup& one) { return below(cgroup, one); })) return false;
    }
    return wanted.netns_inode == 0 || link_of(pid, "ns/net") == "net:[" + std::to_string(wanted.netns_inode) + "]";
}

bool is_ancestor(pid_t pid) {
    for (pid_t at = ::getpid(); at > 0;) {
        if (at == pid) return true;
        const auto stat = process_stat(at);
        at = stat ? stat->parent : 0;
    }
    return false;
}

std::string named(pid_t pid, const ProcessStat& stat) { return "process " + std::to_string(pid) + " (" + stat.name + ")"; }

Cgroup cgroup_selector(const std::string& spec, const char* what) {
    auto cgroup = resolve_cgroup(spec);
    if (cgroup.id == 0)
        throw Unfit(std::string(what) + " '" + spec + "' is the root of all cgroups: it holds this whole machine", "name one below it");
    return cgroup;
}

}  // namespace

Selection resolve_selection(const ProcessFault& fault, const Target& target) {
    Selection selection;
    selection.pids = fault.pids;
    if (!fault.exe.empty()) {
        std::error_code error;
        selection.exe = std::filesystem::canonical(fault.exe, error).string();
        if (error) throw Unfit("no executable '" + fault.exe + "': " + error.message(), "name it by its whole path");
        if (selection.exe == link_of(::getpid(), "exe")) throw Unfit("'" + fault.exe + "' is blackstart itself", "name another executable");
    }
    if (!fault.cgroup.empty()) selection.cgroups.push_back(cgroup_selector(fault.cgroup, "cgroup"));
    if (!fault.unit.empty()) selection.cgroups.push_back(cgroup_selector(fault.unit, "unit"));
    if (target.cgroup.id != 0) selection.cgroups.push_back(target.cgroup);
    if (!target.spec.netns.empty()) selection.netns_inode = target.netns_inode;
    return selection;
}

std::optional<FileIdentity> identity(const std::string& path) {
    struct stat file {};
    struct statfs system {};
    if (::stat(path.c_str(), &file) != 0 || ::statfs(path.c_str(), &system) != 0) return std::nullopt;
    const auto type = static_cast<int>(system.f_type);
    if (type == kOverlay || type == kBtrfs) return FileIdentity{file.st_ino, 0};
    return FileIdentity{file.st_ino, static_cast<std::uint64_t>(major(file.st_dev)) << 20 | minor(file.st_dev)};
}

bool is_protected(pid_t pid, const ProcessStat& stat) {
    const auto exe = link_of(pid, "exe");
    if (pid == 1 || exe.empty() || is_ancestor(pid) || exe == link_of(::getpid(), "exe")) return true;
    return stat.name == "sshd" || stat.name.starts_with("sshd-") || stat.name == "systemd-journal";  // the kernel keeps 15 bytes
}

Victims find_victims(const Selection& selection) {
    Victims victims;
    for (const auto pid : processes()) {
        if (!selected(pid, selection)) continue;
        Victim victim{pid, {}, unique_fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)))};
        const auto stat = process_stat(pid);
        // Asked again now that the descriptor keeps it apart from a later process with the same number.
        if (!victim.pidfd || !stat || stat->state == 'Z' || stat->state == 'X' || !selected(pid, selection)) continue;
        victim.stat = *stat;
        if (is_protected(pid, *stat))
            victims.spared.push_back(named(pid, *stat));
        else
            victims.found.push_back(std::move(victim));
    }
    return victims;
}

}  // namespace blackstart
