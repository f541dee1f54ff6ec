#include "experiments/lab.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <list>
#include <set>
#include <sstream>
#include <string_view>
#include <utility>

#include "experiments/lab_hosts.h"
#include "experiments/lab_init.h"
#include "experiments/lab_ready.h"
#include "injector/kernel/cgroup.h"
#include "injector/kernel/error.h"
#include "injector/kernel/guardian.h"
#include "injector/kernel/journal.h"
#include "injector/kernel/netns.h"

namespace blackstart {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr auto kRestartDelay = std::chrono::milliseconds(500);
constexpr int kPatienceMs = 2000;  // from SIGTERM to SIGKILL
constexpr auto kLook = std::chrono::milliseconds(500), kPause = std::chrono::milliseconds(25);

// Where a root shell would look, whoever started us.
std::vector<fs::path> search_path() {
    const char* path = std::getenv("PATH");
    std::istringstream list(std::string(path != nullptr ? path : "/usr/bin:/bin") + ":/usr/local/sbin:/usr/sbin:/sbin");
    std::vector<fs::path> folders;
    for (std::string folder; std::getline(list, folder, ':');)
        if (!folder.empty()) folders.emplace_back(folder);
    return folders;
}

bool executable(const fs::path& file) {
    std::error_code ignored;
    return fs::is_regular_file(file, ignored) && ::access(file.c_str(), X_OK) == 0;
}

// "" if there is none.
std::string find_program(const std::string& word, const fs::path& folder) {
    if (word.find('/') != std::string::npos) return executable(folder / word) ? (folder / word).string() : "";
    for (const auto& place : search_path())
        if (executable(place / word)) return (place / word).string();
    return "";
}

// Programs that are not here, with their packages.
struct Missing {
    std::string programs, packages;
    std::set<std::string> named;

    void add(const std::string& program, const std::string& package) {
        if (!named.insert(program).second) return;
        programs += (programs.empty() ? "" : ", ") + program;
        if (package.empty()) return;
        programs += " (package " + package + ")";
        if (named.insert("package " + package).second) packages += " " + package;
    }
};

// By service, in order. Throws Unfit, naming every program that is missing.
std::vector<std::string> find_programs(const LabPlan& plan, const fs::path& folder) {
    std::vector<std::string> found;
    Missing missing;
    for (const auto& service : plan.services) {
        if (service.run.empty()) throw Misuse("lab service '" + service.name + "' has nothing to run");
        found.push_back(find_program(service.run[0], folder));
        if (found.back().empty()) missing.add(service.run[0], service.package);
        for (const auto& program : service.needs)
            if (find_program(program, folder).empty()) missing.add(program, service.package);
    }
    if (missing.programs.empty()) return found;
    throw Unfit("the lab needs programs that this machine does not have: " + missing.programs,
                missing.packages.empty() ? "install them" : "apt-get install" + missing.packages);
}

void check_names(const LabPlan& plan, const fs::path& folder) {
    std::set<std::string> names;
    for (const auto& service : plan.services) {
        if (!plan.hosts.contains(service.host))
            throw Misuse("lab service '" + service.name + "' is on host '" + service.host + "', which the lab does not have");
        if (service.name.empty() || service.name.find('/') != std::string::npos || !names.insert(service.name).second)
            throw Misuse("lab service '" + service.name + "': a name must be its own, and no path");
    }
    for (const char* fresh : kPrivateFolders)
        if ((folder.string() + "/").starts_with(std::string(fresh) + "/"))
            throw Unfit("the experiment lies in " + folder.string() + ", and a lab host has a " + std::string(fresh) + " of its own",
                        "move it elsewhere");
}

std::string last_lines(const fs::path& log, std::size_t most) {
    std::ifstream in(log);
    std::list<std::string> lines;
    for (std::string line; std::getline(in, line);) {
        lines.push_back("  " + line);
        if (lines.size() > most) lines.pop_front();
    }
    std::string text;
    for (const auto& line : lines) text += "\n" + line;
    return text.empty() ? " (it printed nothing)" : text;
}

std::string how_it_ended(int status) {
    if (WIFEXITED(status)) return "exited " + std::to_string(WEXITSTATUS(status));
    const char* name = ::sigabbrev_np(WTERMSIG(status));
    return "killed by " + (name != nullptr ? "SIG" + std::string(name) : std::to_string(WTERMSIG(status)));
}

std::uint64_t netns_of(const fs::path& process) {
    const unique_fd fd(::open((process / "ns/net").c_str(), O_RDONLY | O_CLOEXEC));
    return fd ? netns_id(fd.get()) : 0;
}

}  // namespace

struct Lab::Impl {
    LabPlan plan;
    fs::path folder, logs;
    std::vector<std::string> programs;
    LabHosts hosts;
    std::vector<unique_fd> borrowed;  // by the jobs, until the init is forked
    std::vector<Journalled> cgroups;
    std::unique_ptr<LabInit> init;
    Loop* loop = nullptr;
    Loop::Source exits;
    std::vector<Loop::Source> restarts;  // by service: set while it waits to be started again
    std::function<void(const std::string&, const std::string&)> tell;

    const LabHost& host(const std::string& name) const {
        const auto found = hosts.all.find(name);
        if (found == hosts.all.end()) throw Misuse("the lab has no host '" + name + "'");
        return found->second;
    }

    fs::path log(std::size_t service) const { return logs / (plan.services[service].name + ".log"); }

    // Below our own, so that our limits are its limits.
    unique_fd make_cgroup_of(const std::string& service) {
        const auto ours = own_cgroup();
        if (ours.empty())
            throw Unfit("lab service '" + service + "' wants a cgroup (v2), and there is none here",
                        "mount -t cgroup2 none /sys/fs/cgroup");
        const auto directory = ours + "/blackstart-" + std::to_string(::getpid()) + "-" + service;
        cgroups.push_back(make_cgroup(directory));
        unique_fd procs(::open((directory + "/cgroup.procs").c_str(), O_WRONLY | O_CLOEXEC));
        if (!procs) throw_errno("cannot write " + directory + "/cgroup.procs", errno);
        return procs;
    }

    std::vector<Job> jobs() {
        std::vector<Job> all;
        for (std::size_t i = 0; i < plan.services.size(); i++) {
            const int log_file = borrowed.emplace_back(::open(log(i).c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644)).get();
            if (log_file < 0) throw_errno("cannot write " + log(i).string(), errno);
            const auto& service = plan.services[i];
            const auto& at = host(service.host);
            Job job{service.run, service.host, folder.string(), at.netns.get(), at.mntns.get(), log_file};
            job.argv[0] = programs[i];
            if (service.cgroup) job.cgroup = borrowed.emplace_back(make_cgroup_of(service.name)).get();
            all.push_back(std::move(job));
        }
        return all;
    }

    [[noreturn]] void unfit(std::size_t service, const std::string& what) const {
        throw Unfit("lab service '" + plan.services[service].name + "' " + what + "; it last said:" + last_lines(log(service), 10),
                    "its whole output is in " + log(service).string());
    }

    // What exits while the lab is being started is not up: that ends it.
    void nothing_exited() {
        const auto all = init->exits();
        if (!all.empty()) unfit(all.front().job, how_it_ended(all.front().status) + " while the lab was started");
        if (init->gone()) throw Unfit("the lab's init is gone", "");
    }

    // False: a signal is pending, and the caller's loop is waiting for it; or the deadline is past.
    bool bring_up(std::size_t service, std::optional<std::chrono::nanoseconds> deadline) {
        const auto& ready = plan.services[service].ready;
        const int netns = host(plan.services[service].host).netns.get();
        const auto until = Clock::now() + ready.timeout;
        init->start(service);
        for (;;) {
            guardian::beat();
            if (waiting_signal() != 0 || (deadline && Loop::now() >= *deadline)) return false;
            nothing_exited();
            if (is_ready(ready, netns, plan.hosts, kLook)) return true;
            if (Clock::now() >= until) unfit(service, "is not ready in time (" + to_string(ready) + ")");
            pollfd exit{init->descriptor(), POLLIN, 0};
            ::poll(&exit, 1, static_cast<int>(kPause.count()));
        }
    }

    void watch() {
        restarts.resize(plan.services.size());
        exits = loop->io(init->descriptor(), EPOLLIN, [this](std::uint32_t) {
            for (const auto& exit : init->exits()) on_exit(exit.job, exit.status);
            if (!init->gone()) return;
            exits.reset();
            for (const auto& service : plan.services) tell(service.name, "gone: the lab's init was killed");
        });
    }

    void on_exit(std::size_t service, int status) {
        tell(plan.services[service].name, how_it_ended(status));
        if (!plan.services[service].restart) return;
        restarts[service] = loop->at(Loop::now() + kRestartDelay, [this, service] {
            init->start(service);
            tell(plan.services[service].name, "restarted");
        });
    }

    // Processes that are still in a lab host's network namespace, for people; ours is never in one.
    std::vector<std::string> inside() const {
        std::map<std::uint64_t, std::string> names;
        for (const auto& [name, host] : hosts.all) names[netns_id(host.netns.get())] = name;
        std::vector<std::string> found;
        std::error_code ignored;
        for (const auto& entry : fs::directory_iterator("/proc", ignored)) {
            const auto name = names.find(netns_of(entry.path()));
            if (name != names.end()) found.push_back("process " + entry.path().filename().string() + " in lab host " + name->second);
        }
        return found;
    }
};

Lab::Lab(const LabPlan& plan, const fs::path& folder) : impl_(std::make_unique<Impl>()) {
    impl_->plan = plan;
    impl_->folder = fs::absolute(folder.empty() ? "." : folder).lexically_normal();
    check_names(plan, impl_->folder);
    impl_->programs = find_programs(plan, impl_->folder);
    impl_->hosts = make_hosts(plan);
}

Lab::~Lab() { stop(); }

void Lab::start(Loop& loop, const fs::path& logs, std::optional<std::chrono::nanoseconds> deadline,
                std::function<void(const std::string&, const std::string&)> tell) {
    if (impl_->plan.services.empty()) return;
    impl_->loop = &loop;
    impl_->logs = fs::absolute(logs);
    impl_->tell = std::move(tell);
    fs::create_directories(impl_->logs);
    impl_->init = std::make_unique<LabInit>(impl_->jobs());
    impl_->borrowed.clear();
    for (std::size_t i = 0; i < impl_->plan.services.size(); i++) {
        if (!impl_->bring_up(i, deadline)) return;
        impl_->tell(impl_->plan.services[i].name, "started");
    }
    impl_->watch();
}

bool Lab::has(const std::string& host) const { return impl_->hosts.all.contains(host); }

Place Lab::place(const std::string& host) const {
    const auto& found = impl_->host(host);
    return {found.netns.get(), found.mntns.get()};
}

std::string Lab::mntns_path(const std::string& host) const { return "/proc/self/fd/" + std::to_string(impl_->host(host).mntns.get()); }

std::string Lab::netns_path(const std::string& host) const { return "/proc/self/fd/" + std::to_string(impl_->host(host).netns.get()); }

std::vector<std::string> Lab::stop() {
    impl_->exits.reset();
    impl_->restarts.clear();
    std::vector<std::string> left;
    if (impl_->init && !impl_->init->stop(kPatienceMs)) left.emplace_back("the lab's init");
    impl_->init.reset();
    const auto until = Clock::now() + std::chrono::seconds(1);
    std::vector<std::string> processes = impl_->inside();
    while (!processes.empty() && Clock::now() < until) {
        ::poll(nullptr, 0, 20);
        processes = impl_->inside();
    }
    left.insert(left.end(), processes.begin(), processes.end());
    Footprint footprint;
    for (const auto& cgroup : impl_->cgroups) cgroup.footprint(footprint);
    impl_->cgroups.clear();
    for (auto& what : footprint.left(std::chrono::milliseconds(0))) left.push_back(std::move(what));
    impl_->hosts = {};
    return left;
}

}  // namespace blackstart
