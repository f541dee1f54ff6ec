#include "probes/spawner.h"

#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "injector/kernel/mntns.h"
#include "injector/kernel/unique_fd.h"

namespace blackstart::spawner {

namespace {

constexpr int control = 3;  // where serve() puts it

struct Message {
    Request request;
    std::string text;
    std::vector<unique_fd> descriptors;

    [[nodiscard]] int descriptor(bool has, std::size_t index) const {
        return has && index < descriptors.size() ? descriptors[index].get() : -1;
    }
    [[nodiscard]] int netns() const { return descriptor(request.has_netns, 0); }
    [[nodiscard]] int mntns() const { return descriptor(request.has_mntns, request.has_netns ? 1 : 0); }
    [[nodiscard]] int output() const {
        return descriptor(request.has_output, static_cast<std::size_t>(request.has_netns) + static_cast<std::size_t>(request.has_mntns));
    }
};

void tell(std::uint64_t id, Tell what, int code, std::span<const char> text = {}) {
    const Reply reply{id, what, code};
    send(control, std::as_bytes(std::span(&reply, 1)), text, {}, MSG_NOSIGNAL);
}

[[noreturn]] void fail(const Message& message, const std::string& what) {
    tell(message.request.id, Tell::failed, errno, what);
    ::_exit(127);
}

void enter(const Message& message) {
    std::array<char, PATH_MAX> directory{};
    const bool here = ::getcwd(directory.data(), directory.size()) != nullptr;
    if (message.netns() >= 0 && ::setns(message.netns(), CLONE_NEWNET) != 0) fail(message, "cannot enter its network namespace");
    if (message.mntns() < 0) return;
    const bool entered =
        message.request.ask == Ask::look_up ? enter_to_look_up(message.mntns()) : ::setns(message.mntns(), CLONE_NEWNS) == 0;
    if (!entered) fail(message, "cannot enter its mount namespace");
    if (here && ::chdir(directory.data()) != 0) return;  // then at its root
}

[[noreturn]] void look_up(const Message& message) {
    enter(message);
    addrinfo hints{};
    hints.ai_family = message.request.family;
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    const int error = ::getaddrinfo(message.text.c_str(), nullptr, &hints, &found);
    if (error == EAI_SYSTEM) fail(message, "getaddrinfo");
    std::string text;
    for (const auto* each = found; each != nullptr && text.size() < largest_message / 2; each = each->ai_next) {
        std::array<char, NI_MAXHOST> address{};
        if (::getnameinfo(each->ai_addr, each->ai_addrlen, address.data(), address.size(), nullptr, 0, NI_NUMERICHOST) == 0)
            text.append(address.data(), std::strlen(address.data()) + 1);
    }
    tell(message.request.id, Tell::looked_up, error, text);
    ::_exit(0);
}

[[noreturn]] void execute(Message& message) {
    enter(message);
    std::vector<char*> argv;
    for (char* at = message.text.data(); argv.size() < message.request.arguments; at += std::strlen(at) + 1) argv.push_back(at);
    argv.push_back(nullptr);
    if (::dup2(message.output(), STDOUT_FILENO) < 0) fail(message, "cannot make its stdout");
    ::execvp(argv[0], argv.data());
    fail(message, std::string("cannot run ") + argv[0]);
}

// A child: dies with the spawner, in a process group of its own, with signals as a new process expects them.
[[noreturn]] void be_child(Message& message) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::setpgid(0, 0);
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::signal(SIGPIPE, SIG_DFL);
    if (message.request.ask == Ask::run) execute(message);
    look_up(message);
}

bool receive(Message& message) {
    static std::array<char, largest_message> buffer;
    alignas(cmsghdr) std::array<char, CMSG_SPACE(3 * sizeof(int))> ancillary{};
    std::array parts{iovec{&message.request, sizeof message.request}, iovec{buffer.data(), buffer.size()}};
    msghdr header{};
    header.msg_iov = parts.data();
    header.msg_iovlen = parts.size();
    header.msg_control = ancillary.data();
    header.msg_controllen = ancillary.size();
    const auto size = ::recvmsg(control, &header, MSG_CMSG_CLOEXEC);
    if (size < static_cast<ssize_t>(sizeof message.request)) return false;
    message.text.assign(buffer.data(), static_cast<std::size_t>(size) - sizeof message.request);
    for (auto* part = CMSG_FIRSTHDR(&header); part != nullptr; part = CMSG_NXTHDR(&header, part)) {
        std::array<int, 3> descriptors{};
        const auto count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        std::memcpy(descriptors.data(), CMSG_DATA(part), count * sizeof(int));
        for (std::size_t i = 0; i < count; ++i) message.descriptors.emplace_back(descriptors[i]);
    }
    return true;
}

using Running = std::map<pid_t, std::uint64_t>;

void handle(Message& message, Running& running) {
    if (message.request.ask == Ask::kill) {
        for (const auto& [pid, id] : running)
            if (id == message.request.id) ::kill(-pid, SIGKILL);
        return;
    }
    const auto pid = ::fork();
    if (pid == 0) be_child(message);
    if (pid < 0) {
        tell(message.request.id, Tell::failed, errno, std::string("cannot fork"));
        tell(message.request.id, Tell::ended, 0);
        return;
    }
    ::setpgid(pid, pid);  // here too: a kill may come before the child has run
    running[pid] = message.request.id;
}

void reap(Running& running) {
    siginfo_t info{};
    while (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid != 0) {
        const auto found = running.find(info.si_pid);
        // What the command left in its group goes too, while the dead leader still keeps the group's number from others.
        if (found != running.end()) ::kill(-info.si_pid, SIGKILL);
        int status = 0;
        ::waitpid(info.si_pid, &status, 0);
        if (found != running.end()) {
            tell(found->second, Tell::ended, status);
            running.erase(found);
        }
        info = {};
    }
}

void prepare(int given) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::prctl(PR_SET_NAME, "blackstart-kids");
    ::setsid();  // the terminal's signals are for the one who decides
    ::dup2(given, control);
    ::close_range(control + 1, ~0U, 0);
    ::fcntl(control, F_SETFD, FD_CLOEXEC);
    const int nowhere = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    for (const int standard : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) ::dup2(nowhere, standard);
    ::close(nowhere);
}

}  // namespace

ssize_t send(int socket, std::span<const std::byte> head, std::span<const char> text, std::span<const int> descriptors, int flags) {
    alignas(cmsghdr) std::array<char, CMSG_SPACE(3 * sizeof(int))> ancillary{};
    std::array parts{iovec{const_cast<std::byte*>(head.data()), head.size()}, iovec{const_cast<char*>(text.data()), text.size()}};
    msghdr header{};
    header.msg_iov = parts.data();
    header.msg_iovlen = parts.size();
    if (!descriptors.empty()) {
        header.msg_control = ancillary.data();
        header.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
        auto* part = CMSG_FIRSTHDR(&header);
        part->cmsg_level = SOL_SOCKET;
        part->cmsg_type = SCM_RIGHTS;
        part->cmsg_len = CMSG_LEN(descriptors.size_bytes());
        std::memcpy(CMSG_DATA(part), descriptors.data(), descriptors.size_bytes());
    }
    return ::sendmsg(socket, &header, flags);
}

void serve(int given) {
    prepare(given);
    sigset_t chld;
    sigemptyset(&chld);
    sigaddset(&chld, SIGCHLD);
    ::sigprocmask(SIG_SETMASK, &chld, nullptr);
    const unique_fd signals(::signalfd(-1, &chld, SFD_CLOEXEC | SFD_NONBLOCK));
    Running running;
    for (;;) {
        std::array watched{pollfd{control, POLLIN, 0}, pollfd{signals.get(), POLLIN, 0}};
        ::poll(watched.data(), watched.size(), -1);
        signalfd_siginfo info;
        while (::read(signals.get(), &info, sizeof info) > 0) continue;
        reap(running);
        if (watched[0].revents == 0) continue;
        Message message;
        if (!receive(message)) break;
        handle(message, running);
    }
    for (const auto& [pid, id] : running) ::kill(-pid, SIGKILL);
    ::_exit(0);
}

}  // namespace blackstart::spawner
