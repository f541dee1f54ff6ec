#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <fmt/format.h>
#include <algorithm>
#include <chrono>
#include <iostream>
#include <nlohmann/json.hpp>
#include <vector>

#include "experiments/commands/commands.h"
#include "injector/kernel/error.h"
#include "injector/kernel/journal.h"
#include "injector/kernel/remains.h"
#include "injector/kernel/unique_fd.h"
#include "injector/registry.h"

namespace blackstart {
namespace {

using Json = nlohmann::ordered_json;
using namespace std::chrono_literals;

// A run has a lab to end and a history to close; SIGKILL restores the host as well, but tells nobody what was hit.
constexpr std::chrono::milliseconds kPatience = 5s;

struct Ended {
    LiveProcess process;
    unique_fd pidfd;
    bool killed = false;
};

void send(const Ended& to, int number) {
    if (::syscall(SYS_pidfd_send_signal, to.pidfd.get(), number, nullptr, 0) != 0 && errno != ESRCH)
        throw_errno("cannot end process " + std::to_string(to.process.pid) + " (" + to.process.command + ")", errno);
}

bool gone(const Ended& process, std::chrono::steady_clock::time_point until) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
    pollfd waiting{process.pidfd.get(), POLLIN, 0};
    return ::poll(&waiting, 1, static_cast<int>(std::max(left, 0ms).count())) != 0;
}

// Asks all to end, then makes those end that do not.
std::vector<Ended> end(const std::vector<LiveProcess>& live) {
    std::vector<Ended> ending;
    for (const auto& process : live) {
        unique_fd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, process.pid, 0)));
        if (pidfd) ending.push_back({process, std::move(pidfd)});
    }
    // Alive with its descriptor open: the number has not gone to another process since.
    const auto still = live_processes();
    std::erase_if(ending, [&](const Ended& e) { return std::ranges::find(still, e.process.pid, &LiveProcess::pid) == still.end(); });
    for (const auto& process : ending) send(process, SIGTERM);
    for (const auto& process : ending) send(process, SIGCONT);  // a stopped one hears nothing else
    const auto until = std::chrono::steady_clock::now() + kPatience;
    for (auto& process : ending) {
        if (gone(process, until)) continue;
        process.killed = true;
        send(process, SIGKILL);
    }
    for (const auto& process : ending) gone(process, std::chrono::steady_clock::now() + 2s);
    return ending;
}

struct Result {
    std::vector<Ended> ended;
    std::vector<std::string> left;
};

Result end_and_undo() {
    Result result;
    // A new one may have begun while the others ended.
    for (int round = 0; round < 3; round++) {
        const auto live = live_processes();
        if (live.empty()) break;
        std::ranges::move(end(live), std::back_inserter(result.ended));
    }
    undo_leftovers();
    for (const auto& process : live_processes())
        result.left.push_back(fmt::format("process {} ({}) does not end", process.pid, process.command));
    std::ranges::move(ownerless({}, 2s), std::back_inserter(result.left));
    return result;
}

void tell(const Result& result) {
    for (const auto& ended : result.ended)
        fmt::print("ended process {} by {}: {}\n", ended.process.pid, ended.killed ? "SIGKILL" : "SIGTERM", ended.process.command);
    if (result.ended.empty()) fmt::print("nothing was injected on this host\n");
    fmt::print("{}\n", result.left.empty() ? "restored: the host is whole" : "the host is not whole");
    std::fflush(stdout);
    for (const auto& what : result.left) fmt::print(stderr, "blackstart: still there: {}\n", what);
}

void tell_json(const Result& result) {
    Json all{{"format", "blackstart-restore/1.0"}, {"ended", Json::array()}, {"whole", result.left.empty()}, {"left", result.left}};
    for (const auto& ended : result.ended)
        all["ended"].push_back(
            {{"pid", ended.process.pid}, {"command", ended.process.command}, {"signal", ended.killed ? "SIGKILL" : "SIGTERM"}});
    std::cout << all.dump(-1, ' ', false, Json::error_handler_t::replace) << '\n';
}

}  // namespace

int restore(bool json) {
    const auto result = end_and_undo();
    json ? tell_json(result) : tell(result);
    return result.left.empty() ? 0 : 5;
}

}  // namespace blackstart
