#include "injector/names.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "injector/kernel/error.h"
#include "injector/kernel/mntns.h"
#include "injector/kernel/unique_fd.h"

namespace blackstart {
namespace {

using Address = std::array<std::uint8_t, 16>;
using Clock = std::chrono::steady_clock;

Address plain(const addrinfo& found) {
    Address address{};
    if (found.ai_family == AF_INET6) {
        sockaddr_in6 in6{};
        std::memcpy(&in6, found.ai_addr, sizeof in6);
        std::memcpy(address.data(), &in6.sin6_addr, 16);
    } else {
        sockaddr_in in{};
        std::memcpy(&in, found.ai_addr, sizeof in);
        address[10] = address[11] = 0xff;
        std::memcpy(address.data() + 12, &in.sin_addr, 4);
    }
    return address;
}

// Descriptors are closed at once: a child that holds a link would keep a fault alive after its parent.
[[noreturn]] void ask(int netns_fd, int mntns_fd, const std::string& name, int answer) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::dup2(netns_fd, 0);
    ::dup2(answer, 1);
    if (mntns_fd >= 0) ::dup2(mntns_fd, 2);
    ::close_range(3, ~0U, 0);
    if (::setns(0, CLONE_NEWNET) != 0) ::_exit(1);
    if (mntns_fd >= 0 && !enter_to_look_up(2)) ::_exit(1);
    ::close(2);
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* list = nullptr;
    if (::getaddrinfo(name.c_str(), nullptr, &hints, &list) != 0) ::_exit(1);
    for (const auto* at = list; at != nullptr; at = at->ai_next) {
        const Address address = plain(*at);
        if (::write(1, address.data(), address.size()) != static_cast<ssize_t>(address.size())) ::_exit(1);
    }
    ::_exit(0);
}

// What the child wrote until it closed its end or the time was over.
std::vector<Prefix> read_answer(int from, Clock::time_point until) {
    std::vector<Prefix> addresses;
    for (;;) {
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now()).count();
        pollfd ready{from, POLLIN, 0};
        if (left <= 0 || ::poll(&ready, 1, static_cast<int>(left)) <= 0) return {};
        Prefix prefix;
        if (::read(from, prefix.address.data(), prefix.address.size()) != static_cast<ssize_t>(prefix.address.size())) return addresses;
        if (std::ranges::find(addresses, prefix) == addresses.end()) addresses.push_back(prefix);
    }
}

}  // namespace

bool is_host_name(const std::string& peer) { return peer != "any" && !parse_prefix(peer); }

std::vector<Prefix> resolve_name(const Target& target, const std::string& name, std::chrono::milliseconds patience) {
    const std::string& own = target.spec.mntns;
    const unique_fd mntns = own.empty() ? open_mntns_of(target.spec.netns) : unique_fd(::open(own.c_str(), O_RDONLY | O_CLOEXEC));
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) throw_errno("cannot make a pipe", errno);
    const unique_fd from(ends[0]);
    unique_fd to(ends[1]);
    const pid_t child = ::fork();
    if (child < 0) throw_errno("cannot fork", errno);
    if (child == 0) ask(target.netns.get(), mntns.get(), name, to.get());
    to.reset();
    auto addresses = read_answer(from.get(), Clock::now() + patience);
    ::kill(child, SIGKILL);
    while (::waitpid(child, nullptr, 0) < 0 && errno == EINTR) continue;
    if (addresses.empty())
        throw Unfit("the host name '" + name + "' does not resolve in the target's namespace",
                    "write an address or a CIDR, or mend its resolver");
    return addresses;
}

}  // namespace blackstart
