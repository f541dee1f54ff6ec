#include "injector/pause.h"

#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>
#include <future>
#include <map>
#include <thread>

#include "injector/kernel/error.h"

namespace blackstart {

using namespace std::chrono_literals;

namespace {

constexpr auto kPatience = 1s;

// The threads of some processes, seized by the calling thread. When that thread ends the kernel lets go of them, as it does when
// the whole process dies: there is no other way of release.
class Seized {
public:
    // 0, or why a thread cannot be had (errno). Looks again until no thread is new: they start each other.
    int seize(pid_t process) {
        for (int round = 0; round < 20; round++) {
            bool news = false;
            for (const auto thread : threads(process)) {
                if (threads_.contains(thread)) continue;
                if (::ptrace(PTRACE_SEIZE, thread, nullptr, nullptr) != 0) {
                    if (errno == ESRCH) continue;
                    return errno;
                }
                ::ptrace(PTRACE_INTERRUPT, thread, nullptr, nullptr);
                threads_[thread] = {process, false};
                news = true;
            }
            wait();
            if (!news) break;
        }
        return 0;
    }

    // How many processes have all their threads stopped.
    std::size_t stopped(const std::vector<pid_t>& processes) const {
        return static_cast<std::size_t>(std::ranges::count_if(processes, [&](pid_t process) {
            bool any = false;
            for (const auto& [thread, state] : threads_) {
                if (state.process != process) continue;
                if (!state.stopped) return false;
                any = true;
            }
            return any;
        }));
    }

    // Takes what has stopped or died. The dead are ours to reap: else their own parents would wait for ever.
    void reap() {
        for (auto at = threads_.begin(); at != threads_.end();) {
            int status = 0;
            const auto got = ::waitpid(at->first, &status, WNOHANG | __WALL);
            if (got == at->first && WIFSTOPPED(status)) at->second.stopped = true;
            const bool gone = (got == at->first && !WIFSTOPPED(status)) || (got < 0 && errno == ECHILD);
            at = gone ? threads_.erase(at) : std::next(at);
        }
    }

private:
    struct State {
        pid_t process = 0;
        bool stopped = false;
    };

    void wait() {
        const auto until = std::chrono::steady_clock::now() + kPatience;
        for (;;) {
            reap();
            const bool all = std::ranges::all_of(threads_, [](const auto& thread) { return thread.second.stopped; });
            if (all || std::chrono::steady_clock::now() >= until) return;
            std::this_thread::sleep_for(1ms);
        }
    }

    std::map<pid_t, State> threads_;
};

}  // namespace

// A thread that does nothing but hold others still: ptrace belongs to the thread that asked for it.
class Tracer {
public:
    explicit Tracer(std::vector<pid_t> processes) {
        std::promise<Outcome> promise;
        auto outcome = promise.get_future();
        thread_ = std::jthread([processes = std::move(processes), promise = std::move(promise)](const std::stop_token& stop) mutable {
            hold(processes, promise, stop);
        });
        outcome_ = outcome.get();
    }

    struct Outcome {
        int error = 0;  // errno, if one of them cannot be traced
        std::size_t stopped = 0;
    };
    [[nodiscard]] const Outcome& outcome() const { return outcome_; }

private:
    static void hold(const std::vector<pid_t>& processes, std::promise<Outcome>& promise, const std::stop_token& stop) {
        sigset_t all;
        ::sigfillset(&all);
        ::pthread_sigmask(SIG_BLOCK, &all, nullptr);
        Seized seized;
        Outcome outcome;
        for (const auto process : processes)
            if (outcome.error == 0) outcome.error = seized.seize(process);
        outcome.stopped = seized.stopped(processes);
        promise.set_value(outcome);
        while (outcome.error == 0 && !stop.stop_requested()) {
            seized.reap();
            std::this_thread::sleep_for(20ms);
        }
    }

    Outcome outcome_;
    std::jthread thread_;
};

Pause::Pause(const std::vector<Victim>& victims, const std::string& whole_cgroup) : watched_(std::make_unique<guardian::Watched>()) {
    std::vector<pid_t> processes;
    processes.reserve(victims.size());
    for (const auto& victim : victims) processes.push_back(victim.pid);
    tracer_ = std::make_unique<Tracer>(processes);
    if (tracer_->outcome().error == 0) {
        stopped_ = tracer_->outcome().stopped;
        return;
    }
    tracer_.reset();
    if (whole_cgroup.empty())
        stop(victims);
    else
        freeze(whole_cgroup, victims.size());
}

Pause::~Pause() = default;

void Pause::freeze(const std::string& directory, std::size_t processes) {
    how_ = "cgroup freeze, journalled";
    journalled_.push_back(freeze_cgroup(directory));
    if (!journalled_.back()) return;  // frozen already, by somebody else
    const auto until = std::chrono::steady_clock::now() + kPatience;
    for (bool frozen = false; !frozen && std::chrono::steady_clock::now() < until;) {
        std::ifstream events(directory + "/cgroup.events");
        for (std::string line; std::getline(events, line);) frozen = frozen || line == "frozen 1";
        if (frozen)
            stopped_ = processes;
        else
            std::this_thread::sleep_for(5ms);
    }
}

void Pause::stop(const std::vector<Victim>& victims) {
    how_ = "SIGSTOP, journalled";
    for (const auto& victim : victims) {
        journalled_.push_back(stop_process(victim.pid, victim.stat.started));
        if (journalled_.back() && stands_still(victim.pid)) stopped_++;
    }
}

void Pause::footprint(Footprint& footprint) const {
    for (const auto& change : journalled_) change.footprint(footprint);
}

}  // namespace blackstart
