#include "injector/kernel/ancestors.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "injector/kernel/netns.h"
#include "injector/kernel/unique_fd.h"

namespace blackstart {
namespace {

struct Connection {
    unique_fd listener, client, server;
    std::uint16_t port = 0;  // of the listener
};

Connection connect_over(int family) {
    Connection c;
    sockaddr_storage address{};
    socklen_t length = family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
    address.ss_family = static_cast<sa_family_t>(family);
    auto* any = reinterpret_cast<sockaddr*>(&address);
    if (family == AF_INET)
        reinterpret_cast<sockaddr_in*>(any)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    else
        reinterpret_cast<sockaddr_in6*>(any)->sin6_addr = in6addr_loopback;
    c.listener.reset(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    c.client.reset(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(::bind(c.listener.get(), any, length), 0);
    EXPECT_EQ(::listen(c.listener.get(), 1), 0);
    EXPECT_EQ(::getsockname(c.listener.get(), any, &length), 0);
    c.port = ntohs(reinterpret_cast<sockaddr_in*>(any)->sin_port);  // at the same place in both families
    EXPECT_EQ(::connect(c.client.get(), any, length), 0);
    c.server.reset(::accept4(c.listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    return c;
}

bool has(const std::vector<TcpFlow>& flows, int family, std::uint16_t local_port, std::uint64_t netns) {
    std::array<std::uint8_t, 16> address{};
    const char* text = family == AF_INET ? "::ffff:127.0.0.1" : "::1";
    ::inet_pton(AF_INET6, text, address.data());
    return std::ranges::any_of(flows, [&](const TcpFlow& flow) {
        return flow.local == address && flow.remote == address && flow.local_port == local_port && flow.remote_port != 0 &&
               flow.netns_inode == netns;
    });
}

// What a grandchild of the holder sees: the grandchild itself holds nothing.
bool seen_by_grandchild(int family, std::uint16_t port, std::uint64_t netns) {
    const pid_t child = ::fork();
    if (child == 0) {
        const pid_t grandchild = ::fork();
        if (grandchild == 0) {
            ::close_range(3, ~0U, 0);
            ::_exit(has(ancestor_flows(), family, port, netns) ? 0 : 1);
        }
        ::close_range(3, ~0U, 0);
        int status = 1;
        ::waitpid(grandchild, &status, 0);
        ::_exit(WEXITSTATUS(status));
    }
    int status = 1;
    ::waitpid(child, &status, 0);
    return WEXITSTATUS(status) == 0;
}

class AncestorFlows : public testing::TestWithParam<int> {};

TEST_P(AncestorFlows, FindsAConnectionThatAnAncestorHolds) {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root: the ancestors' descriptors";
    const auto connection = connect_over(GetParam());
    const auto netns = netns_id(open_netns("").get());
    EXPECT_TRUE(seen_by_grandchild(GetParam(), connection.port, netns));
}

TEST_P(AncestorFlows, FindsItInTheAncestorsNamespaceFromAnother) {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root: the ancestors' descriptors";
    const auto made = make_netns();
    const InNetns inside(made.get());
    const auto connection = connect_over(GetParam());
    EXPECT_TRUE(seen_by_grandchild(GetParam(), connection.port, netns_id(made.get())));
}

TEST_P(AncestorFlows, AreNotThoseOfOthers) {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root: the ancestors' descriptors";
    auto connection = connect_over(GetParam());
    const pid_t holder = ::fork();
    if (holder == 0)
        for (;;) ::pause();
    connection.server.reset();
    connection.client.reset();
    connection.listener.reset();
    EXPECT_FALSE(has(ancestor_flows(), GetParam(), connection.port, netns_id(open_netns("").get())));
    ::kill(holder, SIGKILL);
    ::waitpid(holder, nullptr, 0);
}

INSTANTIATE_TEST_SUITE_P(BothFamilies, AncestorFlows, testing::Values(AF_INET, AF_INET6),
                         [](const auto& family) { return family.param == AF_INET ? "IPv4" : "IPv6"; });

}  // namespace
}  // namespace blackstart
