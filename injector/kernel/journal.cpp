#include "injector/kernel/journal.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>

#include "injector/kernel/cgroup.h"
#include "injector/kernel/clsact.h"
#include "injector/kernel/error.h"
#include "injector/kernel/guardian.h"
#include "injector/kernel/netns.h"
#include "injector/kernel/owned_file.h"
#include "injector/kernel/proc.h"
#include "injector/kernel/visible_netns.h"

namespace blackstart {

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(JournalRecord, kind, netns_inode, netns_cookie, key, was, ours, pid)

namespace {

const std::string kDirectory = std::string(kRunDirectory) + "/journal";

struct Own {
    JournalRecord record;
    unique_fd file;  // the lock
};

// This process's own records, by path: their files may not be opened a second time.
std::map<std::string, Own>& own_records() {
    static std::map<std::string, Own> records;
    return records;
}

// One thread at a time has to do with them.
std::mutex& alone_here() {
    static std::mutex one;
    return one;
}

std::string own_prefix() { return std::to_string(::getpid()) + "-"; }

// The namespace of a record; empty: it is gone, and the setting with it.
unique_fd place(const JournalRecord& record) {
    auto netns = find_namespace(record.netns_inode);
    if (netns && netns_cookie(netns.get()) != record.netns_cookie) netns.reset();
    return netns;
}

constexpr const char* kTcFilter = "tc filter";

std::optional<std::string> read_text(const std::string& path) {
    const unique_fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    char text[256];
    const auto got = file ? ::read(file.get(), text, sizeof text) : -1;
    if (got < 0) return std::nullopt;
    std::string value(text, static_cast<std::size_t>(got));
    while (!value.empty() && value.back() == '\n') value.pop_back();
    return value;
}

bool write_text(const std::string& path, const std::string& value) {
    const unique_fd file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    return file && ::write(file.get(), value.data(), value.size()) == static_cast<ssize_t>(value.size());
}

constexpr const char* kProcess = "process";
constexpr const char* kCgroup = "cgroup";
constexpr const char* kCgroupDirectory = "cgroup directory";
const std::string kMade = "made", kNone = "none";

std::string file_of(const JournalRecord& record) {
    return record.kind == kCgroup ? record.key + "/cgroup.freeze" : "/proc/sys/" + record.key;
}

const std::string kStopped = "stopped", kRunning = "running";

// "PID:START" of a process that is still the same one.
std::optional<pid_t> find_process(const std::string& key) {
    const auto colon = key.find(':');
    if (colon == std::string::npos) return std::nullopt;
    const auto pid = static_cast<pid_t>(std::strtol(key.c_str(), nullptr, 10));
    const auto stat = process_stat(pid);
    if (!stat || stat->state == 'Z' || std::to_string(stat->started) != key.substr(colon + 1)) return std::nullopt;
    return pid;
}

std::optional<std::string> read_process(const std::string& key) {
    const auto found = find_process(key);
    if (!found) return std::nullopt;
    return stands_still(*found) ? kStopped : kRunning;
}

// Waits for a stop: one that is still on its way would not be known as ours when it is undone.
bool write_process(const std::string& key, const std::string& value) {
    const auto found = find_process(key);
    if (!found || ::kill(*found, value == kStopped ? SIGSTOP : SIGCONT) != 0) return false;
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(2);
    while (value == kStopped && read_process(key) == kRunning && std::chrono::steady_clock::now() < until)
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    return true;
}

// How each kind of setting is read and written: its value without a line end; nullopt if it is not there.
std::optional<std::string> value_of(const JournalRecord& record, int netns_fd) {
    const InNetns inside(netns_fd);
    if (record.kind == kTcFilter) return clsact::at(record.key);
    if (record.kind == kProcess) return read_process(record.key);
    if (record.kind == kCgroupDirectory) return ::access(record.key.c_str(), F_OK) == 0 ? kMade : kNone;
    return read_text(file_of(record));
}

bool set_value(const JournalRecord& record, int netns_fd, const std::string& value) {
    const InNetns inside(netns_fd);
    if (record.kind == kTcFilter) return clsact::put(record.key, value);
    if (record.kind == kProcess) return write_process(record.key, value);
    if (record.kind == kCgroupDirectory) return value == kMade ? ::mkdir(record.key.c_str(), 0755) == 0 : remove_cgroup(record.key);
    return write_text(file_of(record), value);
}

std::string sentence(const JournalRecord& record) {
    const auto where = record.netns_inode == 0 ? "" : " in network namespace " + std::to_string(record.netns_inode);
    return record.kind + " " + record.key + where + " (was " + record.was + ", set to " + record.ours + " by process " +
           std::to_string(record.pid) + ")";
}

struct Entry {
    std::string path;
    JournalRecord record;
    bool alive = false;
};

// Other processes' records. A file that is not a record (cut short before anything was done) is of no use to anybody.
std::vector<Entry> others(const DirectoryLock* held) {
    std::vector<Entry> all;
    for (const auto& file : read_all_owned(kDirectory, own_prefix(), held)) {
        const auto json = nlohmann::json::parse(file.text, nullptr, false);
        if (json.is_object()) all.push_back({file.path, json.get<JournalRecord>(), file.alive});
    }
    return all;
}

// The record of a living process, this one included, for the same setting, other than the one at `path`.
std::optional<JournalRecord> shared(const JournalRecord& record, const std::string& path, const DirectoryLock& held) {
    for (const auto& [other, own] : own_records())
        if (other != path && own.record.same_setting(record)) return own.record;
    for (const auto& entry : others(&held))
        if (entry.alive && entry.record.same_setting(record)) return entry.record;
    return std::nullopt;
}

// The qdisc that a living process added for its filter is ours as well, or whoever is last would leave it behind.
bool qdisc_is_ours(const JournalRecord& record, const DirectoryLock& held) {
    const auto added_it = [&](const JournalRecord& other) {
        return other.kind == kTcFilter && other.netns_cookie == record.netns_cookie && other.was == clsact::kNoQdisc &&
               clsact::interface_of(other.key) == clsact::interface_of(record.key);
    };
    if (std::ranges::any_of(own_records(), [&](const auto& own) { return added_it(own.second.record); })) return true;
    return std::ranges::any_of(others(&held), [&](const Entry& entry) { return entry.alive && added_it(entry.record); });
}

// Puts one setting back if it is still ours and nobody else's. False if it cannot be.
bool put_back(const JournalRecord& record, const std::string& path, const DirectoryLock& held) {
    if (shared(record, path, held)) return true;
    const auto netns = record.netns_inode == 0 ? unique_fd() : place(record);
    if (!netns && record.netns_inode != 0) return true;
    const auto now = value_of(record, netns.get());
    return !now || *now != record.ours || set_value(record, netns.get(), record.was);
}

std::vector<std::string> undo_dead(const DirectoryLock& held) {
    std::vector<std::string> failed;
    for (const auto& entry : others(&held)) {
        if (entry.alive) continue;
        if (put_back(entry.record, entry.path, held))
            ::unlink(entry.path.c_str());
        else
            failed.push_back(sentence(entry.record) + " cannot be put back");
    }
    return failed;
}

std::string next_path() {
    static unsigned serial = 0;
    return kDirectory + "/" + own_prefix() + std::to_string(serial++) + ".json";
}

// Lets go of a record, and of its reason for a guardian.
void let_go(const std::string& path) {
    own_records().erase(path);
    guardian::dismiss();
}

}  // namespace

Journalled change(int netns_fd, JournalRecord record) {
    const std::scoped_lock held(alone_here());
    const DirectoryLock alone(kDirectory);
    undo_dead(alone);
    const auto now = value_of(record, netns_fd);
    if (!now) throw_errno("cannot read " + record.kind + " " + record.key, errno);
    const auto other = shared(record, {}, alone);
    if (*now == record.ours && !other) return {};
    record.was = *now == record.ours ? other->was : *now;
    if (*now == clsact::kNoFilter && qdisc_is_ours(record, alone)) record.was = clsact::kNoQdisc;
    record.pid = ::getpid();

    guardian::watch();
    const auto path = next_path();
    try {
        own_records()[path] = {record, write_owned(path, nlohmann::json(record).dump() + "\n")};
    } catch (...) {
        guardian::dismiss();
        throw;
    }
    if (*now != record.ours && !set_value(record, netns_fd, record.ours)) {
        const int error = errno;
        ::unlink(path.c_str());
        let_go(path);
        throw_errno("cannot set " + record.kind + " " + record.key, error);
    }
    return Journalled(path);
}

namespace {

JournalRecord record_of(const char* kind, int netns_fd, std::string key, std::string value) {
    JournalRecord record;
    record.kind = kind;
    record.netns_inode = netns_id(netns_fd < 0 ? open_netns("").get() : netns_fd);
    record.netns_cookie = netns_cookie(netns_fd);
    record.key = std::move(key);
    record.ours = std::move(value);
    return record;
}

}  // namespace

Journalled set_sysctl(int netns_fd, const std::string& key, const std::string& value) {
    return change(netns_fd, record_of("sysctl", netns_fd, key, value));
}

Journalled add_tc_filter(int netns_fd, int ifindex, Direction direction, std::uint32_t program_id, Rank rank) {
    std::string place;
    {
        const InNetns inside(netns_fd);
        place = clsact::free_place(ifindex, direction, rank);
    }
    return change(netns_fd, record_of(kTcFilter, netns_fd, std::move(place), clsact::holds(program_id)));
}

Journalled stop_process(pid_t pid, std::uint64_t started) {
    JournalRecord record;
    record.kind = kProcess;
    record.key = std::to_string(pid) + ":" + std::to_string(started);
    record.ours = kStopped;
    return change(-1, std::move(record));
}

Journalled freeze_cgroup(const std::string& directory) {
    JournalRecord record;
    record.kind = kCgroup;
    record.key = directory;
    record.ours = "1";
    return change(-1, std::move(record));
}

Journalled make_cgroup(const std::string& directory) {
    JournalRecord record;
    record.kind = kCgroupDirectory;
    record.key = directory;
    record.ours = kMade;
    return change(-1, std::move(record));
}

Journalled& Journalled::operator=(Journalled&& other) noexcept {
    if (this == &other) return *this;
    undo();
    path_ = std::exchange(other.path_, {});
    return *this;
}

void Journalled::undo() noexcept {
    if (path_.empty()) return;
    const std::scoped_lock held(alone_here());
    const auto path = std::exchange(path_, {});
    const auto own = own_records().find(path);
    if (own == own_records().end()) return;
    try {
        const DirectoryLock alone(kDirectory);
        if (put_back(own->second.record, path, alone)) ::unlink(path.c_str());
    } catch (const std::exception&) {
        // The record stays, as a dead process's would: the next run, inject or restore tries again.
    }
    let_go(path);
}

void Journalled::footprint(Footprint& footprint) const {
    if (!path_.empty()) footprint.add_record(path_);
}

std::vector<std::string> undo_leftovers() {
    if (::access(kDirectory.c_str(), F_OK) != 0) return {};
    const DirectoryLock alone(kDirectory);
    return undo_dead(alone);
}

std::vector<std::string> leftovers() {
    std::vector<std::string> found;
    for (const auto& entry : others(nullptr))
        if (!entry.alive) found.push_back(sentence(entry.record));
    return found;
}

}  // namespace blackstart
