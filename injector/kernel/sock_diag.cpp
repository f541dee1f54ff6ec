#include "injector/kernel/sock_diag.h"

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <utility>

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

Request request(std::uint16_t type, std::uint16_t flags, int family, int protocol = IPPROTO_TCP) {
    Request out{};
    out.header.nlmsg_len = sizeof out;
    out.header.nlmsg_type = type;
    out.header.nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
    out.body.sdiag_family = static_cast<std::uint8_t>(family);
    out.body.sdiag_protocol = static_cast<std::uint8_t>(protocol);
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

using See = std::function<void(const inet_diag_msg& message, std::uint32_t length)>;  // of the message with its attributes

// Returns 0 or an errno.
int dump(int family, int protocol, std::uint32_t states, const See& see) {
    const unique_fd socket = open_diag();
    auto asked = request(SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, family, protocol);
    asked.body.idiag_states = states;
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
            see(*static_cast<inet_diag_msg*>(NLMSG_DATA(header)), header->nlmsg_len - static_cast<std::uint32_t>(NLMSG_HDRLEN));
        }
    }
}

// linux/inet_diag.h since 5.8: INET_DIAG_CGROUP_ID.
std::uint64_t cgroup_id(const inet_diag_msg& message, std::uint32_t length) {
    constexpr std::uint16_t cgroup_attribute = 21;
    const auto* at = reinterpret_cast<const char*>(&message) + NLMSG_ALIGN(sizeof message);
    const auto* end = reinterpret_cast<const char*>(&message) + length;
    while (at + sizeof(nlattr) <= end) {
        nlattr head{};
        std::memcpy(&head, at, sizeof head);
        if (head.nla_len < sizeof head || at + head.nla_len > end) break;
        std::uint64_t id = 0;
        if ((head.nla_type & NLA_TYPE_MASK) == cgroup_attribute && head.nla_len >= NLA_HDRLEN + sizeof id) {
            std::memcpy(&id, at + NLA_HDRLEN, sizeof id);
            return id;
        }
        at += NLA_ALIGN(head.nla_len);
    }
    return 0;
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
        if (const int error = dump(family, IPPROTO_TCP, kStates,
                                   [&](const inet_diag_msg& message, std::uint32_t) { see(flow(message), message.idiag_inode); }))
            return error;
    return 0;
}

int open_sockets(int netns_fd, std::vector<OpenSocket>& found) {
    const InNetns inside(netns_fd);
    constexpr std::uint32_t bound = 1U << TCP_ESTABLISHED | 1U << TCP_CLOSE;  // of UDP: connected, or not
    for (const auto& [protocol, states] : {std::pair{IPPROTO_TCP, kStates | 1U << TCP_LISTEN}, {IPPROTO_UDP, bound}})
        for (const int family : {AF_INET, AF_INET6})
            if (const int error =
                    dump(family, protocol, states, [&, protocol = protocol](const inet_diag_msg& message, std::uint32_t length) {
                        const bool peer =
                            protocol == IPPROTO_TCP ? message.idiag_state != TCP_LISTEN : message.idiag_state == TCP_ESTABLISHED;
                        found.push_back({protocol, peer, flow(message), cgroup_id(message, length)});
                    }))
                return error;
    return 0;
}

std::uint64_t destroy_connections(int netns_fd, const std::function<bool(const TcpFlow&)>& chosen) {
    const InNetns inside(netns_fd);
    std::vector<inet_diag_msg> found;
    for (const int family : {AF_INET, AF_INET6})
        dump(family, IPPROTO_TCP, kStates, [&](const inet_diag_msg& message, std::uint32_t) {
            if (chosen(flow(message))) found.push_back(message);
        });
    const unique_fd socket = open_diag();
    std::uint64_t ended = 0;
    for (const auto& message : found) ended += socket && destroy(socket.get(), message) ? 1 : 0;
    return ended;
}

}  // namespace blackstart
