#include "injector/registry.h"

#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <nlohmann/json.hpp>

#include "injector/claims.h"
#include "injector/kernel/error.h"
#include "injector/kernel/journal.h"
#include "injector/kernel/owned_file.h"
#include "injector/kernel/proc.h"
#include "injector/overlap.h"

namespace blackstart {

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(LiveFault, name, kind, target, netns_inode, interfaces, cgroup, until, claims)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(LiveCount, name, target, hits, matched, dropped, delayed, delay_p50_ns, delay_p99_ns)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(LiveProcess, pid, user, command, since, faults)

namespace {

const std::string kDirectory = kRunDirectory;

std::string path_of(pid_t pid) { return kDirectory + "/" + std::to_string(pid) + ".json"; }

// Of no suffix that a row has: it is no row.
std::string counts_of(const std::string& row) { return row + ".counts"; }

std::vector<LiveCount> read_counts(const std::string& row) {
    std::ifstream file(counts_of(row));
    const auto json = nlohmann::json::parse(file, nullptr, false);
    return json.is_array() ? json.get<std::vector<LiveCount>>() : std::vector<LiveCount>{};
}

std::string now_utc() {
    const std::time_t seconds = std::time(nullptr);
    std::tm parts{};
    ::gmtime_r(&seconds, &parts);
    char text[32];
    std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
    return text;
}

std::string user() {
    std::ifstream file("/proc/self/loginuid");
    auto uid = static_cast<uid_t>(-1);
    file >> uid;
    const char* sudo = std::getenv("SUDO_UID");
    if (uid == static_cast<uid_t>(-1)) uid = sudo != nullptr ? static_cast<uid_t>(std::strtoul(sudo, nullptr, 10)) : ::getuid();
    const passwd* entry = ::getpwuid(uid);
    return entry != nullptr ? entry->pw_name : std::to_string(uid);
}

// The rows of the living; with the directory's lock held those of the dead are removed.
std::vector<LiveProcess> read_rows(const DirectoryLock* held) {
    std::vector<LiveProcess> live;
    for (const auto& file : read_all_owned(kDirectory, std::to_string(::getpid()) + ".", held)) {
        const auto json = nlohmann::json::parse(file.text, nullptr, false);
        if (file.alive && json.is_object()) {
            live.push_back(json.get<LiveProcess>());
            live.back().counts = read_counts(file.path);
            const auto stat = process_stat(live.back().pid);
            live.back().stopped = stat && stat->stopped();
        }
        if (file.alive || held == nullptr) continue;
        ::unlink(file.path.c_str());
        ::unlink(counts_of(file.path).c_str());
    }
    std::ranges::sort(live, {}, &LiveProcess::pid);
    return live;
}

// Whether a packet can meet both.
bool same_place(const LiveFault& one, const LiveFault& other) {
    return one.netns_inode == other.netns_inode && share_one(one.interfaces, other.interfaces) && share_cgroup(one.cgroup, other.cgroup);
}

}  // namespace

Registration::Registration(std::string command) {
    self_.pid = ::getpid();
    self_.user = user();
    self_.command = std::move(command);
    self_.since = now_utc();
    path_ = path_of(self_.pid);
    {
        const DirectoryLock alone(kDirectory);
        write();
    }
    undo_leftovers();  // what cannot be undone is for doctor and restore to name: it is no reason not to work
}

Registration::~Registration() {
    if (!file_) return;
    ::unlink(path_.c_str());
    ::unlink(counts_of(path_).c_str());
}

void Registration::add(LiveFault fault) {
    const DirectoryLock alone(kDirectory);
    for (const auto& process : read_rows(&alone))
        for (const auto& other : process.faults) {
            if (!same_place(other, fault)) continue;
            if (const auto both = first_collision(fault.claims, other.claims))
                throw Unfit(fmt::format("{}: process {} ({}) already has {} in this namespace until {}", both->first, process.pid,
                                        process.command, both->second, other.until),
                            "wait for it, or end it with: kill " + std::to_string(process.pid));
        }
    self_.faults.push_back(std::move(fault));
    write();
}

void Registration::count(const LiveCount& count) {
    const auto same = [&](const LiveCount& other) { return other.name == count.name && other.target == count.target; };
    if (const auto known = std::ranges::find_if(self_.counts, same); known != self_.counts.end())
        *known = count;
    else
        self_.counts.push_back(count);
    write_counts();
}

// A reader sees the old ones or the new ones.
void Registration::write_counts() const {
    const auto fresh = counts_of(path_) + ".new";
    {
        std::ofstream file(fresh);
        file << nlohmann::json(self_.counts).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) << '\n';
    }
    if (std::rename(fresh.c_str(), counts_of(path_).c_str()) != 0) ::unlink(fresh.c_str());
}

void Registration::remove(const std::string& name, const std::string& target) {
    const auto is_it = [&](const auto& one) { return one.name == name && one.target == target; };
    std::erase_if(self_.faults, is_it);
    std::erase_if(self_.counts, is_it);
    write_counts();
    try {
        const DirectoryLock alone(kDirectory);
        write();
    } catch (const Unfit&) {
        // The row says too much until this process ends; restoring goes on.
    }
}

// The directory's lock is held. A reader sees the old row or the new one, and both are locked.
void Registration::write() {
    const auto json = nlohmann::json(self_);
    file_ = write_owned(path_, json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
}

std::vector<LiveProcess> live_processes() {
    if (::access(kDirectory.c_str(), W_OK) != 0) return read_rows(nullptr);
    try {
        const DirectoryLock alone(kDirectory);
        return read_rows(&alone);
    } catch (const Unfit&) {
        // Someone is stopped in the middle of a step: read all the same, `restore` needs to know whom to end.
        return read_rows(nullptr);
    }
}

}  // namespace blackstart
