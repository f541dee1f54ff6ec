#include "injector/kernel/sock_diag.h"

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "injector/kernel/netns.h"
#include "injector/kernel/unique_fd.h"

namespace blackstart {
namespace {

// Every state with a peer and an owner: not LISTEN, TIME_WAIT, CLOSE and SYN_RECV (bits by enum of netinet/tcp.h).
constexpr std::uint32_t kStates =
    1U << TCP_ESTABLISHED | 1U << TCP_SYN_SENT | 1U << TCP_FIN_WAIT1 | 1U << TCP_FIN_WAIT2 | 1U << TCP_CLOSE_WAIT | 1U << TCP_LAST_ACK;

struct Request {
    nlmsghdr header;
    inet_diag_req_v2 body;
};

Request request(std::uint16_t type, std::uint16_t flags, int family) {
    Request out{};
    out.header.nlmsg_len = sizeof out;
    out.header.nlmsg_type = type;
    out.header.nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
    out.body.sdiag_family = static_cast<std::uint8_t>(family);
    out.body.sdiag_protocol = IPPROTO_TCP;
    return out;
}

unique_fd open_diag() { return unique_fd(::socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG)); }

void set_address(std::array<std::uint8_t, 16>& to, int family, const std::uint32_t* from) {
    if (family == AF_INET6) {
        std::memcpy(to.data(), from, 16);
        return;
    }
    to[10] = to[11] = 0xff;
    std::memcpy(to.data() + 12, from, 4);
}

TcpFlow flow(const inet_diag_msg& message) {
    TcpFlow flow;
    set_address(flow.local, message.idiag_family, message.id.idiag_src);
    set_address(flow.remote, message.idiag_family, message.id.idiag_dst);
    flow.local_port = ntohs(message.id.idiag_sport);
    flow.remote_port = ntohs(message.id.idiag_dport);
    return flow;
}

// Returns 0 or an errno.
int dump(int family, const std::function<void(const inet_diag_msg&)>& see) {
    const unique_fd socket = open_diag();
    auto asked = request(SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, family);
    asked.body.idiag_states = kStates;
    if (!socket || ::send(socket.get(), &asked, sizeof asked, 0) < 0) return errno;
    alignas(nlmsghdr) static thread_local char buffer[32768];
    for (;;) {
        const auto got = ::recv(socket.get(), buffer, sizeof buffer, 0);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return got == 0 ? EIO : errno;
        auto left = static_cast<unsigned>(got);
        for (auto* header = reinterpret_cast<nlmsghdr*>(buffer); NLMSG_OK(header, left); header = NLMSG_NEXT(header, left)) {
            if (header->nlmsg_type == NLMSG_DONE) return 0;
            if (header->nlmsg_type == NLMSG_ERROR) return -static_cast<nlmsgerr*>(NLMSG_DATA(header))->error;
            see(*static_cast<inet_diag_msg*>(NLMSG_DATA(header)));
        }
    }
}

bool destroy(int socket, const inet_diag_msg& message) {
    auto asked = request(SOCK_DESTROY, NLM_F_ACK, message.idiag_family);
    asked.body.id = message.id;
    if (::send(socket, &asked, sizeof asked, 0) < 0) return false;
    alignas(nlmsghdr) char buffer[4096];
    const auto got = ::recv(socket, buffer, sizeof buffer, 0);
    const auto* header = reinterpret_cast<const nlmsghdr*>(buffer);
    return got >= static_cast<ssize_t>(NLMSG_LENGTH(sizeof(nlmsgerr))) && header->nlmsg_type == NLMSG_ERROR &&
           static_cast<const nlmsgerr*>(NLMSG_DATA(header))->error == 0;
}

}  // namespace

int each_connection(const std::function<void(const TcpFlow&, std::uint32_t)>& see) {
    for (const int family : {AF_INET, AF_INET6})
        if (const int error = dump(family, [&](const inet_diag_msg& message) { see(flow(message), message.idiag_inode); })) return error;
    return 0;
}

std::uint64_t destroy_connections(int netns_fd, const std::function<bool(const TcpFlow&)>& chosen) {
    const InNetns inside(netns_fd);
    std::vector<inet_diag_msg> found;
    for (const int family : {AF_INET, AF_INET6})
        dump(family, [&](const inet_diag_msg& message) {
            if (chosen(flow(message))) found.push_back(message);
        });
    const unique_fd socket = open_diag();
    std::uint64_t ended = 0;
    for (const auto& message : found) ended += socket && destroy(socket.get(), message) ? 1 : 0;
    return ended;
}

}  // namespace blackstart
