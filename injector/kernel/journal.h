// Law 3: what the kernel does not undo by itself is written down first, then done. A record is one setting: where it is,
// what it was, what we made of it. It is undone when its Journalled goes; by the guardian when this process dies; by the
// next run, inject or restore if both died. Undone means: put back if it still has our value, and left alone otherwise.
//
// A setting that two faults share (the sysctls of one `lo`, each with delay) is put back by the last of them.
// Records are owned files (owned_file.h) under /run/blackstart/journal.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "injector/kernel/direction.h"
#include "injector/kernel/rank.h"
#include "injector/kernel/remains.h"
#include "injector/kernel/unique_fd.h"

namespace blackstart {

// To journal another kind of setting: a value here, and how it is read and written in journal.cpp.
struct JournalRecord {
    std::string kind;                                 // "sysctl", "tc filter", "process", "cgroup" (frozen), "cgroup directory"
    std::uint64_t netns_inode = 0, netns_cookie = 0;  // where: found again by both, so that the namespace is not pinned; 0: none
    // below /proc/sys, with slashes: "net/ipv4/conf/lo/accept_local"; a place (clsact.h); "PID:START" (proc.h); a directory
    std::string key;
    std::string was, ours;
    int pid = 0;  // of the process that did it

    [[nodiscard]] bool same_setting(const JournalRecord& other) const {
        return kind == other.kind && netns_cookie == other.netns_cookie && key == other.key;
    }
};

// One journalled change in force. Destroying it undoes it.
class Journalled {
public:
    Journalled() = default;
    Journalled(Journalled&& other) noexcept : path_(std::move(other.path_)) { other.path_.clear(); }
    Journalled& operator=(Journalled&& other) noexcept;
    ~Journalled() { undo(); }

    void undo() noexcept;  // a change that cannot be undone keeps its record, and Footprint::left tells
    void footprint(Footprint& footprint) const;
    explicit operator bool() const { return !path_.empty(); }  // whether something was changed

private:
    friend Journalled change(int netns_fd, JournalRecord record);
    explicit Journalled(std::string path) : path_(std::move(path)) {}
    std::string path_;  // of the record; "": nothing was changed
};

// Sets a network sysctl in a namespace (negative: the caller's own), with a guardian watching from before the change on.
// Nothing is journalled, and nothing will be undone, if it has the value already by somebody else's doing.
// Undoes what dead processes left first. Throws Unfit.
Journalled set_sysctl(int netns_fd, const std::string& key, const std::string& value);

// Attaches the program with that id to an interface through clsact (clsact.h), as set_sysctl sets a value. The qdisc that it
// added goes with the last of our filters, unless somebody else's is on it. Throws Unfit.
Journalled add_tc_filter(int netns_fd, int ifindex, Direction direction, std::uint32_t program_id, Rank rank = Rank::any);

// Stops a process (SIGSTOP), until it is undone (SIGCONT). `started`: as in ProcessStat. Does nothing if it is stopped already.
// Throws Unfit, also if it is gone.
Journalled stop_process(pid_t pid, std::uint64_t started);

// Freezes a cgroup (v2) by its directory, with everything in it. Throws Unfit.
Journalled freeze_cgroup(const std::string& directory);

// Makes a cgroup (v2). It goes with everything below it, as soon as no process is in there, a second at most. Throws Unfit.
Journalled make_cgroup(const std::string& directory);

// Undoes every record whose owner is dead. Returns what could not be undone, as sentences. Throws Unfit if the journal
// cannot be written. Settings of a namespace that is gone went with it.
std::vector<std::string> undo_leftovers();

// Records whose owner is dead, as sentences; changes nothing.
std::vector<std::string> leftovers();

}  // namespace blackstart
