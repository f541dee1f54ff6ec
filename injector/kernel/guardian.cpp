#include "injector/kernel/guardian.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "injector/kernel/cgroup.h"
#include "injector/kernel/error.h"
#include "injector/kernel/journal.h"
#include "injector/kernel/lease.h"
#include "injector/kernel/unique_fd.h"

namespace blackstart::guardian {
namespace {

using std::chrono::milliseconds;

constexpr char kBeat = 'b', kDismissed = 'q';

unique_fd open_pid(pid_t pid) { return unique_fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))); }

bool ready(int fd, milliseconds timeout) {
    pollfd waiting{fd, POLLIN, 0};
    return ::poll(&waiting, 1, static_cast<int>(timeout.count())) > 0;
}

// The side of the process that is watched.
struct Watcher {
    unique_fd pipe;
    pid_t pid = 0;
    milliseconds lease{0};
};

// What follows may be asked by threads that take faults away.
std::mutex& alone() {
    static std::mutex one;
    return one;
}

std::optional<Watcher>& watcher() {
    static std::optional<Watcher> one;
    return one;
}

Watcher start(milliseconds lease) {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0) throw_errno("cannot start the guardian", errno);
    Watcher started{unique_fd(ends[0]), 0, lease};
    const unique_fd theirs(ends[1]);

    posix_spawn_file_actions_t files;
    ::posix_spawn_file_actions_init(&files);
    ::posix_spawn_file_actions_adddup2(&files, theirs.get(), STDIN_FILENO);
    ::posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    ::posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawnattr_t how;
    ::posix_spawnattr_init(&how);
    sigset_t none;
    ::sigemptyset(&none);
    ::posix_spawnattr_setsigmask(&how, &none);
    ::posix_spawnattr_setflags(&how, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK);

    std::string words[] = {"blackstart", "guardian", std::to_string(::getpid()), std::to_string(lease.count())};
    char* argv[] = {words[0].data(), words[1].data(), words[2].data(), words[3].data(), nullptr};
    const int error = ::posix_spawn(&started.pid, "/proc/self/exe", &files, &how, argv, environ);
    ::posix_spawnattr_destroy(&how);
    ::posix_spawn_file_actions_destroy(&files);
    if (error != 0) throw_errno("cannot start the guardian", error);
    return started;
}

unsigned reasons = 0;

void end() noexcept {
    if (!watcher()) return;
    ::send(watcher()->pipe.get(), &kDismissed, 1, MSG_NOSIGNAL);
    const auto process = open_pid(watcher()->pid);
    if (process && !ready(process.get(), std::chrono::seconds(1))) ::kill(watcher()->pid, SIGKILL);
    ::waitpid(watcher()->pid, nullptr, 0);
    watcher().reset();
}

// The guardian's own side.

// Out of the cgroup that may be killed as a whole. Not possible everywhere (a container's root): then it stays.
void leave_cgroup() {
    const auto mount = cgroup2_mount();
    if (!mount.empty()) std::ofstream(mount + "/cgroup.procs") << "0" << std::flush;
}

enum class Word { none, beat, dismissed, closed };

// Reads what has come.
Word listen() {
    char bytes[256];
    const auto got = ::read(STDIN_FILENO, bytes, sizeof bytes);
    if (got < 0) return Word::none;
    if (got == 0) return Word::closed;
    return bytes[got - 1] == kDismissed ? Word::dismissed : Word::beat;
}

// Until the process has died, true, or dismisses us, false. SIGKILLs it when its beats stop for longer than the lease.
bool attend(int process, milliseconds lease) {
    const auto now = [] { return milliseconds(monotonic_ns() / 1'000'000); };
    auto deadline = now() + lease;
    for (;;) {
        pollfd waiting[] = {{process, POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}};
        ::poll(waiting, 2, static_cast<int>(std::max(deadline - now(), milliseconds(0)).count()));
        const auto word = waiting[1].revents != 0 ? listen() : Word::none;
        if (word == Word::dismissed) return false;
        if (waiting[0].revents != 0) return true;
        if (word == Word::closed) return ready(process, std::chrono::seconds(10));  // it is dying, its locks may still be held
        // Who has been asleep for that long itself (a frozen machine) cannot say that the other did not work.
        if (word == Word::beat || now() > deadline + lease / 2) deadline = now() + lease;
        if (now() < deadline) continue;
        ::syscall(SYS_pidfd_send_signal, process, SIGKILL, nullptr, 0);
        return ready(process, std::chrono::seconds(10));
    }
}

}  // namespace

void watch(milliseconds lease) {
    const std::scoped_lock held(alone());
    if (!watcher()) watcher() = start(lease);
    reasons++;
}

void beat() {
    const std::scoped_lock held(alone());
    if (!watcher() || ::send(watcher()->pipe.get(), &kBeat, 1, MSG_NOSIGNAL) == 1 || errno == EAGAIN) return;
    const auto lease = watcher()->lease;
    end();
    watcher() = start(lease);
}

void dismiss() noexcept {
    const std::scoped_lock held(alone());
    if (reasons > 0 && --reasons == 0) end();
}

}  // namespace blackstart::guardian

namespace blackstart {

int guardian_main(int argc, char** argv) {
    if (argc != 4) return 2;
    ::close_range(3, ~0U, 0);
    ::prctl(PR_SET_NAME, "bs-guardian");
    for (const int number : {SIGINT, SIGTERM, SIGHUP}) ::signal(number, SIG_IGN);
    guardian::leave_cgroup();
    const auto pid = static_cast<pid_t>(std::strtol(argv[2], nullptr, 10));
    const std::chrono::milliseconds lease(std::strtol(argv[3], nullptr, 10));
    const auto process = guardian::open_pid(pid);
    // A parent that is not the one named died before we could look at it.
    if (process && ::getppid() == pid && !guardian::attend(process.get(), lease)) return 0;
    try {
        for (int tries = 0; tries < 50 && !undo_leftovers().empty(); tries++) std::this_thread::sleep_for(std::chrono::milliseconds(100));
    } catch (const std::exception&) {
        return 5;  // nobody hears it: the record stays, doctor and restore name it
    }
    return 0;
}

}  // namespace blackstart
