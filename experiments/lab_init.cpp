#include "experiments/lab_init.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>

#include "injector/kernel/error.h"
#include "injector/kernel/guardian.h"
#include "probes/loop.h"

namespace blackstart {
namespace {

constexpr int kBeatMs = 200;
constexpr std::uint32_t kStopAll = UINT32_MAX;  // else an order is the index of a job to start

int open_pidfd(pid_t pid) { return static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)); }

void close_all_but(std::vector<int> kept) {
    std::ranges::sort(kept);
    unsigned from = 3;
    for (const int fd : kept) {
        if (fd < static_cast<int>(from)) continue;
        if (static_cast<unsigned>(fd) > from) ::close_range(from, static_cast<unsigned>(fd) - 1, 0);
        from = static_cast<unsigned>(fd) + 1;
    }
    ::close_range(from, UINT_MAX, 0);
}

void default_signals() {
    for (int number = 1; number < NSIG; number++) ::signal(number, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

[[noreturn]] void fail(const char* what) {
    ::dprintf(STDERR_FILENO, "blackstart: cannot start: %s: %s\n", what, std::strerror(errno));
    ::_exit(127);
}

// It is the root of the only tree that is seen from there.
void enter_cgroup(int procs) {
    if (::write(procs, "0", 1) != 1 || ::unshare(CLONE_NEWCGROUP) != 0) fail("cgroup");
    if (::mount("cgroup2", "/sys/fs/cgroup", "cgroup2", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) != 0) fail("/sys/fs/cgroup");
}

// The service itself, from init's child on: into its host, then the program. /proc is this PID namespace's, /etc and /run
// are the host's own, and System V IPC ends with the lab.
[[noreturn]] void become(const Job& job) {
    ::setsid();
    default_signals();
    ::dup2(job.log, STDOUT_FILENO);
    ::dup2(job.log, STDERR_FILENO);
    if (::setns(job.netns, CLONE_NEWNET) != 0) fail("network namespace");
    if (::setns(job.mntns, CLONE_NEWNS) != 0) fail("mount namespace");
    if (::unshare(CLONE_NEWNS | CLONE_NEWUTS) != 0) fail("namespaces");
    if (job.cgroup >= 0) enter_cgroup(job.cgroup);
    if (::mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) != 0) fail("/proc");
    if (::sethostname(job.host.c_str(), job.host.size()) != 0) fail("host name");
    if (::chdir(job.folder.c_str()) != 0) fail(job.folder.c_str());
    ::setenv("TMPDIR", "/var/tmp", 1);
    ::unsetenv("NOTIFY_SOCKET");  // a supervisor of blackstart is not theirs
    std::vector<char*> argv;
    for (const auto& word : job.argv) argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    ::execv(argv[0], argv.data());
    fail(argv[0]);
}

class Init {
public:
    Init(const std::vector<Job>& jobs, int socket, int parent) : jobs_(jobs), socket_(socket), parent_(parent) {}

    [[noreturn]] void run() {
        prepare();
        for (;;) {
            pollfd ready[] = {{socket_, POLLIN, 0}, {signals_, POLLIN, 0}};
            if (::poll(ready, 2, -1) < 0 && errno != EINTR) ::_exit(1);
            if (ready[0].revents != 0) obey();
            if (ready[1].revents != 0) {
                signalfd_siginfo ignored{};
                [[maybe_unused]] const auto got = ::read(signals_, &ignored, sizeof ignored);
            }
            reap();
        }
    }

private:
    void prepare() {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        pollfd parent{parent_, POLLIN, 0};
        if (::poll(&parent, 1, 0) != 0) ::_exit(1);  // it died before prctl
        ::setsid();                                  // the terminal's Ctrl-C is for blackstart, not for the services
        ::prctl(PR_SET_NAME, "blackstart-lab");
        const int null = ::open("/dev/null", O_RDWR);
        for (int fd = 0; fd < 3; fd++) ::dup2(null, fd);
        std::vector<int> kept{socket_};
        for (const auto& job : jobs_) kept.insert(kept.end(), {job.netns, job.mntns, job.log, job.cgroup});
        close_all_but(kept);
        default_signals();
        if (::unshare(CLONE_NEWIPC) != 0) ::_exit(1);  // shared memory of a killed service must not stay on the machine
        sigset_t child;
        sigemptyset(&child);
        sigaddset(&child, SIGCHLD);
        ::sigprocmask(SIG_BLOCK, &child, nullptr);
        signals_ = ::signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
        if (signals_ < 0) ::_exit(1);
    }

    void obey() {
        std::uint32_t order = 0;
        if (::recv(socket_, &order, sizeof order, 0) != sizeof order) ::_exit(0);  // blackstart is gone or through with us
        if (order == kStopAll) {
            stopping_ = true;
            ::kill(-1, SIGTERM);
        } else if (order < jobs_.size() && !stopping_) {
            const pid_t pid = ::fork();
            if (pid == 0) become(jobs_[order]);
            if (pid > 0)
                running_[pid] = order;
            else
                tell(order, 127 << 8);
        }
    }

    void reap() {
        int status = 0;
        pid_t pid = 0;
        while ((pid = ::waitpid(-1, &status, WNOHANG)) > 0) {
            const auto job = running_.extract(pid);
            if (!job.empty()) tell(job.mapped(), status);
        }
        if (stopping_ && pid < 0 && errno == ECHILD) ::_exit(0);
    }

    void tell(std::uint32_t job, int status) const {
        const LabInit::Exit exit{job, status};
        ::send(socket_, &exit, sizeof exit, MSG_NOSIGNAL | MSG_DONTWAIT);
    }

    const std::vector<Job>& jobs_;
    int socket_, parent_, signals_ = -1;
    std::map<pid_t, std::uint32_t> running_;
    bool stopping_ = false;
};

// The next child of the calling thread is PID 1 of a new namespace; then children are as before.
pid_t fork_as_init() {
    const unique_fd home(::open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC));
    if (!home) throw_errno("cannot open the PID namespace", errno);
    if (::unshare(CLONE_NEWPID) != 0) throw_errno("cannot make a PID namespace", errno);
    const pid_t pid = ::fork();
    const int error = errno;
    if (pid == 0) return 0;
    if (::setns(home.get(), CLONE_NEWPID) != 0) std::terminate();
    if (pid < 0) throw_errno("cannot fork", error);
    return pid;
}

}  // namespace

LabInit::LabInit(const std::vector<Job>& jobs) {
    int pair[2];
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) throw_errno("cannot make a socket pair", errno);
    socket_.reset(pair[0]);
    const unique_fd theirs(pair[1]), self(open_pidfd(::getpid()));
    if (!self) throw_errno("cannot open a pidfd", errno);
    pid_ = fork_as_init();
    if (pid_ == 0) Init(jobs, theirs.get(), self.get()).run();
    pidfd_.reset(open_pidfd(pid_));
    if (!pidfd_) throw_errno("cannot open a pidfd", errno);
}

LabInit::~LabInit() { stop(0); }

void LabInit::start(std::size_t job) {
    const auto order = static_cast<std::uint32_t>(job);
    if (::send(socket_.get(), &order, sizeof order, MSG_NOSIGNAL) != sizeof order) gone_ = true;
}

std::vector<LabInit::Exit> LabInit::exits() {
    std::vector<Exit> all;
    Exit exit;
    ssize_t got = 0;
    while ((got = ::recv(socket_.get(), &exit, sizeof exit, MSG_DONTWAIT)) == sizeof exit) all.push_back(exit);
    if (got == 0) gone_ = true;
    return all;
}

bool LabInit::wait(int ms) {
    pollfd end{pidfd_.get(), POLLIN, 0};
    for (const auto until = Loop::now() + std::chrono::milliseconds(ms); end.revents == 0 && Loop::now() < until;) {
        guardian::beat();
        ::poll(&end, 1, kBeatMs);
    }
    if (end.revents == 0) return false;
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
    return true;
}

bool LabInit::stop(int patience_ms) {
    if (pid_ < 0) return true;
    if (patience_ms > 0) {
        ::send(socket_.get(), &kStopAll, sizeof kStopAll, MSG_NOSIGNAL);
        if (wait(patience_ms)) return true;
    }
    ::kill(pid_, SIGKILL);
    return wait(2000);
}

}  // namespace blackstart
