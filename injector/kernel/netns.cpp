#include "injector/kernel/netns.h"

#include <fcntl.h>
#include <linux/nsfs.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <exception>
#include <string>

#include "injector/kernel/error.h"

namespace blackstart {

void throw_errno(const std::string& what, int error) {
    std::string fix;
    if (error == EPERM || error == EACCES) fix = "run as root, or with CAP_NET_ADMIN, CAP_SYS_ADMIN and CAP_BPF";
    if (error == EROFS) fix = "mount it to be written, or name another place";
    if (error == ENOSPC || error == EDQUOT) fix = "make room on that file system";
    throw Unfit(what + ": " + std::strerror(error), fix);
}

namespace {

std::string path_of(std::string_view spec) {
    if (spec.empty()) return "/proc/thread-self/ns/net";
    if (spec.front() == '/') return std::string(spec);
    if (!spec.starts_with("pid:")) return "/run/netns/" + std::string(spec);
    const auto digits = spec.substr(4);
    unsigned pid = 0;
    const auto [end, error] = std::from_chars(digits.begin(), digits.end(), pid);
    if (error != std::errc{} || end != digits.end() || pid == 0)
        throw Misuse("netns '" + std::string(spec) + "': pid: takes a process number, as in pid:4242");
    return "/proc/" + std::to_string(pid) + "/ns/net";
}

}  // namespace

unique_fd open_netns(std::string_view spec) {
    const auto path = path_of(spec);
    unique_fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    const bool absent = !fd && errno == ENOENT;
    if (!fd && !absent) throw_errno("cannot open network namespace " + path, errno);
    // A file of /run/netns may be an empty one: what is left of a mount, as after a reboot in a container.
    if (absent || ::ioctl(fd.get(), NS_GET_NSTYPE) != CLONE_NEWNET)
        throw Unfit("no network namespace '" + std::string(spec) + "' here (" + path + (absent ? ")" : " is something else)"),
                    "`ip netns list` shows the named ones; a path or pid:N names any other");
    return fd;
}

unique_fd make_netns() {
    const unique_fd home = open_netns("");
    if (::unshare(CLONE_NEWNET) != 0) throw_errno("cannot make a network namespace", errno);
    unique_fd made = open_netns("");
    const unique_fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    ifreq lo{};
    std::strcpy(lo.ifr_name, "lo");
    lo.ifr_flags = IFF_UP | IFF_RUNNING;
    const int up = ::ioctl(socket.get(), SIOCSIFFLAGS, &lo);
    const int error = errno;
    if (::setns(home.get(), CLONE_NEWNET) != 0) std::terminate();
    if (up != 0) throw_errno("cannot bring lo up", error);
    return made;
}

std::uint64_t netns_id(int fd) {
    struct stat st {};
    if (::fstat(fd, &st) != 0) throw_errno("cannot stat a network namespace", errno);
    return st.st_ino;
}

InNetns::InNetns(int fd) {
    if (fd < 0) return;
    home_ = open_netns("");
    if (::setns(fd, CLONE_NEWNET) != 0) throw_errno("cannot enter a network namespace", errno);
}

InNetns::~InNetns() {
    // A thread that stayed in the wrong namespace would aim at the wrong host: better none at all.
    if (home_ && ::setns(home_.get(), CLONE_NEWNET) != 0) std::terminate();
}

}  // namespace blackstart
