#include "injector/kernel/ancestors.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <climits>
#include <cstring>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "injector/kernel/error.h"
#include "injector/kernel/netns.h"
#include "injector/kernel/proc.h"
#include "injector/kernel/unique_fd.h"

namespace blackstart {
namespace {

using Inodes = std::set<std::uint32_t>;

pid_t parent(pid_t pid) {
    const auto stat = process_stat(pid);
    return stat ? stat->parent : 0;
}

[[noreturn]] void cannot_see(pid_t pid, int error) {
    throw Unfit("cannot see which connections process " + std::to_string(pid) + ", an ancestor of this one, holds: " + std::strerror(error),
                "run as root, or add CAP_SYS_PTRACE: the session that runs blackstart must be seen to be spared");
}

// The inode of the socket that a link under /proc/PID/fd leads to; 0: not a socket, or closed by now. -1: may not be read.
std::int64_t socket_inode(int directory, const char* name) {
    char text[64];
    const auto length = ::readlinkat(directory, name, text, sizeof text);
    if (length < 0 && errno == EACCES) return -1;
    constexpr std::string_view prefix = "socket:[";
    if (length <= 0 || !std::string_view(text, static_cast<std::size_t>(length)).starts_with(prefix)) return 0;
    std::uint32_t inode = 0;
    std::from_chars(text + prefix.size(), text + length, inode);
    return inode;
}

// False if the process is gone. PID 1 holds no session and may be closed even to root: it is looked into where it can be.
bool add_sockets(pid_t pid, Inodes& inodes) {
    const std::string path = "/proc/" + std::to_string(pid) + "/fd";
    const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir(path.c_str()), &::closedir);
    if (!directory && pid != 1 && errno != ENOENT && errno != ESRCH) cannot_see(pid, errno);
    if (!directory) return false;
    while (const dirent* entry = ::readdir(directory.get())) {
        const auto inode = socket_inode(::dirfd(directory.get()), entry->d_name);
        if (inode < 0 && pid != 1) cannot_see(pid, EACCES);
        if (inode > 0) inodes.insert(static_cast<std::uint32_t>(inode));
    }
    return true;
}

[[noreturn]] void no_sock_diag(int error) {
    throw Unfit(std::string("cannot ask the kernel for this session's connections: ") + std::strerror(error),
                "modprobe tcp_diag: the session that runs blackstart must be seen to be spared");
}

}  // namespace

std::vector<TcpFlow> ancestor_flows() {
    Inodes inodes;
    std::map<std::uint64_t, unique_fd> namespaces;
    for (pid_t pid = ::getpid(); pid > 0; pid = parent(pid)) {
        if (!add_sockets(pid, inodes)) continue;
        unique_fd netns(::open(("/proc/" + std::to_string(pid) + "/ns/net").c_str(), O_RDONLY | O_CLOEXEC));
        if (!netns) continue;
        const auto id = netns_id(netns.get());
        namespaces.try_emplace(id, std::move(netns));
    }
    std::vector<TcpFlow> flows;
    for (const auto& [id, netns] : namespaces) {
        const InNetns inside(netns.get());
        const int error = each_connection([&, netns_inode = id](TcpFlow flow, std::uint32_t inode) {
            if (!inodes.contains(inode)) return;
            flow.netns_inode = netns_inode;
            flows.push_back(flow);
        });
        if (error != 0) no_sock_diag(error);
    }
    return flows;
}

}  // namespace blackstart
