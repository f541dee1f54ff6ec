#include "injector/kernel/ancestors.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
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

// Every state with a peer and an owner: not LISTEN, TIME_WAIT, CLOSE and SYN_RECV (bits by enum of netinet/tcp.h).
constexpr std::uint32_t kStates =
    1U << TCP_ESTABLISHED | 1U << TCP_SYN_SENT | 1U << TCP_FIN_WAIT1 | 1U << TCP_FIN_WAIT2 | 1U << TCP_CLOSE_WAIT | 1U << TCP_LAST_ACK;

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

void set_address(std::array<std::uint8_t, 16>& to, int family, const std::uint32_t* from) {
    if (family == AF_INET6) {
        std::memcpy(to.data(), from, 16);
        return;
    }
    to[10] = to[11] = 0xff;
    std::memcpy(to.data() + 12, from, 4);
}

Flow flow(const inet_diag_msg& message, std::uint64_t netns) {
    Flow flow;
    set_address(flow.local, message.idiag_family, message.id.idiag_src);
    set_address(flow.remote, message.idiag_family, message.id.idiag_dst);
    flow.local_port = ntohs(message.id.idiag_sport);
    flow.remote_port = ntohs(message.id.idiag_dport);
    flow.netns_inode = netns;
    return flow;
}

[[noreturn]] void no_sock_diag(int error) {
    throw Unfit(std::string("cannot ask the kernel for this session's connections: ") + std::strerror(error),
                "modprobe tcp_diag: the session that runs blackstart must be seen to be spared");
}

// Adds the connections of one family, in the calling thread's namespace, whose socket is in `inodes`.
void dump(int family, const Inodes& inodes, std::uint64_t netns, std::vector<Flow>& flows) {
    const unique_fd socket(::socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG));
    if (!socket) no_sock_diag(errno);
    struct {
        nlmsghdr header;
        inet_diag_req_v2 body;
    } request{};
    request.header.nlmsg_len = sizeof request;
    request.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
    request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    request.body.sdiag_family = static_cast<std::uint8_t>(family);
    request.body.sdiag_protocol = IPPROTO_TCP;
    request.body.idiag_states = kStates;
    if (::send(socket.get(), &request, sizeof request, 0) < 0) no_sock_diag(errno);

    alignas(nlmsghdr) static thread_local char buffer[32768];
    for (;;) {
        const auto got = ::recv(socket.get(), buffer, sizeof buffer, 0);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) no_sock_diag(got == 0 ? EIO : errno);
        auto left = static_cast<unsigned>(got);
        for (auto* header = reinterpret_cast<nlmsghdr*>(buffer); NLMSG_OK(header, left); header = NLMSG_NEXT(header, left)) {
            if (header->nlmsg_type == NLMSG_DONE) return;
            if (header->nlmsg_type == NLMSG_ERROR) no_sock_diag(-static_cast<nlmsgerr*>(NLMSG_DATA(header))->error);
            const auto* message = static_cast<inet_diag_msg*>(NLMSG_DATA(header));
            if (inodes.contains(message->idiag_inode)) flows.push_back(flow(*message, netns));
        }
    }
}

}  // namespace

std::vector<Flow> ancestor_flows() {
    Inodes inodes;
    std::map<std::uint64_t, unique_fd> namespaces;
    for (pid_t pid = ::getpid(); pid > 0; pid = parent(pid)) {
        if (!add_sockets(pid, inodes)) continue;
        unique_fd netns(::open(("/proc/" + std::to_string(pid) + "/ns/net").c_str(), O_RDONLY | O_CLOEXEC));
        if (!netns) continue;
        const auto id = netns_id(netns.get());
        namespaces.try_emplace(id, std::move(netns));
    }
    std::vector<Flow> flows;
    for (const auto& [id, netns] : namespaces) {
        const InNetns inside(netns.get());
        for (const int family : {AF_INET, AF_INET6}) dump(family, inodes, id, flows);
    }
    return flows;
}

}  // namespace blackstart
