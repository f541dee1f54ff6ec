#include "injector/kernel/visible_netns.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cctype>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "injector/kernel/error.h"
#include "injector/kernel/netns.h"

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71 /* include/uapi/asm-generic/socket.h of Linux 5.14 */
#endif

namespace blackstart {
namespace {

namespace fs = std::filesystem;

void add(std::map<std::uint64_t, unique_fd>& all, const fs::path& path) {
    struct stat seen {};
    if (::stat(path.c_str(), &seen) != 0 || all.contains(seen.st_ino)) return;
    unique_fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd) return;
    const auto id = netns_id(fd.get());
    all.try_emplace(id, std::move(fd));
}

std::vector<fs::path> processes() {
    std::vector<fs::path> all;
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator("/proc", ignored))
        if (std::isdigit(static_cast<unsigned char>(entry.path().filename().string().front())) != 0) all.push_back(entry.path());
    return all;
}

// `ip netns` and container engines keep a namespace by a mount of nsfs; its root is "net:[INODE]" (proc_pid_mountinfo(5)).
std::vector<fs::path> mounts() {
    std::vector<fs::path> all;
    std::ifstream file("/proc/self/mountinfo");
    for (std::string line; std::getline(file, line);) {
        std::istringstream fields(line);
        std::string skipped, root, point;
        fields >> skipped >> skipped >> skipped >> root >> point;
        if (root.starts_with("net:[")) all.emplace_back(point);
    }
    return all;
}

}  // namespace

std::map<std::uint64_t, unique_fd> visible_namespaces() {
    std::map<std::uint64_t, unique_fd> all;
    add(all, "/proc/thread-self/ns/net");
    for (const auto& path : mounts()) add(all, path);
    for (const auto& path : processes()) add(all, path / "ns/net");
    return all;
}

unique_fd find_namespace(std::uint64_t inode) {
    auto visible = visible_namespaces();
    if (const auto found = visible.find(inode); found != visible.end()) return std::move(found->second);
    const auto link = "net:[" + std::to_string(inode) + "]";
    std::error_code ignored;
    for (const auto& process : processes())
        for (const auto& entry : fs::directory_iterator(process / "fd", ignored))
            if (fs::read_symlink(entry.path(), ignored) == link) return unique_fd(::open(entry.path().c_str(), O_RDONLY | O_CLOEXEC));
    return {};
}

std::uint64_t netns_cookie(int netns_fd) {
    const InNetns inside(netns_fd);
    const unique_fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    std::uint64_t cookie = 0;
    socklen_t length = sizeof cookie;
    if (!socket || ::getsockopt(socket.get(), SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &length) != 0)
        throw_errno("cannot tell one network namespace from another", errno);
    return cookie;
}

}  // namespace blackstart
