#include "injector/kernel/features.h"

#include <linux/capability.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string_view>
#include <utility>

#include "injector/kernel/ancestors.h"
#include "injector/kernel/attachment.h"
#include "injector/kernel/cgroup.h"
#include "injector/kernel/error.h"
#include "injector/kernel/helper.h"
#include "injector/kernel/netns.h"
#include "injector/kernel/owned_file.h"
#include "injector/kernel/unique_fd.h"

namespace blackstart {
namespace {

constexpr auto kAsRoot = "run as root, or with CAP_BPF, CAP_NET_ADMIN and CAP_SYS_ADMIN";

}  // namespace

std::optional<Missing> missing_attachment() {
    const unique_fd program = load_nothing();
    if (!program && (errno == EPERM || errno == EACCES)) return Missing{"loading BPF programs is not permitted here", kAsRoot};
    if (!program)
        return Missing{std::string("this kernel loads no tc programs: ") + std::strerror(errno),
                       "boot a kernel with CONFIG_BPF_SYSCALL and CONFIG_NET_CLS_BPF"};
    const int error = attachment_error(program.get());
    if (error == 0) return std::nullopt;
    if (error == EPERM || error == EACCES) return Missing{"attaching BPF programs to interfaces is not permitted here", kAsRoot};
    return Missing{std::string("this kernel has neither tcx nor clsact: ") + std::strerror(error),
                   "modprobe -a sch_ingress cls_bpf (as root), or boot Linux 6.6 or later (CONFIG_NET_XGRESS)"};
}

namespace {

std::string first_line(const std::string& path) {
    std::ifstream file(path);
    std::string line;
    std::getline(file, line);
    return line;
}

std::uint64_t capabilities() {
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);)
        if (line.starts_with("CapEff:")) return std::strtoull(line.c_str() + sizeof "CapEff:", nullptr, 16);
    return 0;
}

Feature privileges() {
    const std::pair<unsigned, const char*> needed[] = {
        {CAP_BPF, "CAP_BPF"}, {CAP_NET_ADMIN, "CAP_NET_ADMIN"}, {CAP_SYS_ADMIN, "CAP_SYS_ADMIN"}};
    const auto held = capabilities();
    std::string lacking;
    for (const auto& [bit, name] : needed)
        if ((held >> bit & 1U) == 0) lacking += (lacking.empty() ? "" : ", ") + std::string(name);
    return {"privileges", lacking.empty(), lacking.empty() ? "CAP_BPF, CAP_NET_ADMIN, CAP_SYS_ADMIN" : "lacking " + lacking, "every fault",
            kAsRoot};
}

// Attaches a program that does nothing to `lo` of a namespace that nobody else is in. A clsact filter has been tried by then, and one
// that is journalled would undo what others left, which is for `restore` to do.
Feature attaching() {
    Feature feature{"attaching", false, {}, "every fault", {}};
    if (const auto missing = missing_attachment()) {
        feature.detail = missing->reason;
        feature.fix = missing->fix;
        return feature;
    }
    const std::string_view through = attached_through();
    feature.detail = "through " + std::string(through) + ", tried";
    feature.there = true;
    if (through == "clsact") return feature;
    try {
        const auto netns = make_netns();
        const auto program = load_nothing();
        for (const auto direction : {Direction::ingress, Direction::egress}) Attachment(program.get(), netns.get(), 1, direction);
    } catch (const Unfit& unfit) {
        feature = {feature.name, false, unfit.what(), feature.use, unfit.fix};
    }
    return feature;
}

// Without it nothing is missing but a link that goes with its process: clsact serves.
Feature tcx() {
    constexpr auto use = "faults that end with their process without anybody's help; clsact filters are journalled";
    if (const auto missing = missing_attachment()) return {"tcx", false, "not tried: " + missing->reason, use, missing->fix};
    const bool there = std::string_view(attached_through()) == "tcx";
    return {"tcx", there, there ? "in this kernel" : "not in this kernel", use, "boot Linux 6.6 or later (CONFIG_NET_XGRESS)"};
}

// Made by the first fault, in what is there then.
Feature state() {
    const std::string own = kRunDirectory;
    const std::string asked = ::access(own.c_str(), F_OK) == 0 ? own : own.substr(0, own.rfind('/'));
    struct statvfs room {};
    int error = ::access(asked.c_str(), W_OK) == 0 && ::statvfs(asked.c_str(), &room) == 0 ? 0 : errno;
    if (error == 0 && room.f_bavail == 0) error = ENOSPC;
    return {"state", error == 0, own + (error == 0 ? " can be written" : std::string(" cannot be written: ") + std::strerror(error)),
            "every fault: who injects what, and what has to be undone",
            error == EACCES || error == EPERM ? kAsRoot
            : error == ENOSPC                 ? "make room in " + asked
                                              : "mount it to be written"};
}

Feature netem() {
    const bool there = netem_available();
    return {"netem", there, there ? "tried" : "this process cannot put netem on a device",
            "delay in the kernel; without it the user-space delay line serves", "modprobe sch_netem (as root)"};
}

Feature tap() {
    const int error = tap_unavailable();
    return {"tap", error == 0, error == 0 ? "tried" : std::string("/dev/net/tun: ") + std::strerror(error), "the user-space delay line",
            error == EPERM || error == EACCES ? kAsRoot : "modprobe tun"};
}

Feature sock_diag() {
    Feature feature{"sock_diag", true, {}, "sparing the session that runs blackstart", {}};
    try {
        feature.detail = std::to_string(ancestor_flows().size()) + " connections of this session would be spared";
    } catch (const Unfit& unfit) {
        feature = {feature.name, false, unfit.what(), feature.use, unfit.fix};
    }
    return feature;
}

Feature cgroup() {
    const auto mount = cgroup2_mount();
    return {"cgroup v2", !mount.empty(), mount.empty() ? "not mounted" : "at " + mount, "targets that name a cgroup or a unit",
            "mount -t cgroup2 none /sys/fs/cgroup"};
}

// What can only be read; a file system that is not mounted says nothing.
Feature read_only(const char* name, const char* path, const char* use, const char* fix) {
    const auto text = first_line(path);
    return {name, !text.empty(), text.empty() ? std::string(path) + " cannot be read" : text, use, fix};
}

Feature btf() {
    const bool there = ::access("/sys/kernel/btf/vmlinux", R_OK) == 0;
    return {"BTF", there, there ? "/sys/kernel/btf/vmlinux" : "not in this kernel", "the crash-loop of processes",
            "boot a kernel with CONFIG_DEBUG_INFO_BTF"};
}

}  // namespace

std::vector<Feature> features() {
    const auto securityfs = "mount -t securityfs none /sys/kernel/security";
    return {privileges(),
            attaching(),
            state(),
            tcx(),
            netem(),
            tap(),
            sock_diag(),
            cgroup(),
            btf(),
            read_only("LSM", "/sys/kernel/security/lsm", "health checks that are programs: refused with it, else killed as they start",
                      securityfs),
            read_only("lockdown", "/sys/kernel/security/lockdown", "knowing which BPF helpers it forbids; no fault needs one today",
                      securityfs),
            read_only("BPF statistics", "/proc/sys/kernel/bpf_stats_enabled", "scripts/bench", "boot Linux 5.1 or later")};
}

}  // namespace blackstart
