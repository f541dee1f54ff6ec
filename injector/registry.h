// Who injects what on this host, now. Each process that injects keeps one file under /run/blackstart, locked for as long
// as it lives (kernel/owned_file.h): a SIGKILLed process leaves no claim behind.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "injector/kernel/unique_fd.h"
#include "injector/target.h"

namespace blackstart {

struct LiveFault {
    std::string name;  // of the fault in its experiment; the kind for `inject`
    std::string kind, target;
    std::uint64_t netns_inode = 0;
    std::vector<std::string> interfaces;
    std::string cgroup;  // below the mount; "" = all traffic
    std::string until;   // wall clock, RFC 3339, UTC
    // What no second process may claim in the same namespace (claims.h). Network kinds stack: none.
    std::vector<std::string> claims;
};

// What a fault has done so far; at most a second or two old.
struct LiveCount {
    std::string name, target;  // of its LiveFault
    std::uint64_t hits = 0, matched = 0, dropped = 0;
    std::uint64_t delayed = 0, delay_p50_ns = 0, delay_p99_ns = 0;  // packets that were really held, and how long; 0: not measured
};

struct LiveProcess {
    int pid = 0;
    std::string user;     // who logged in or called sudo, for people
    std::string command;  // its command line, for people
    std::string since;    // wall clock, RFC 3339, UTC
    std::vector<LiveFault> faults;
    std::vector<LiveCount> counts;
    bool stopped = false;  // by a signal or a tracer: its leases lapse, and what it injected is inert then, for good
};

// This process's row: one a process. Destroying it removes the file.
class Registration {
public:
    // Undoes what dead processes have left in the journal (law 3). Throws Unfit if the directory cannot be made or written.
    explicit Registration(std::string command);
    ~Registration();
    Registration(const Registration&) = delete;
    Registration& operator=(const Registration&) = delete;

    // Throws Unfit (exit 4), naming the other process, if it has a fault whose claim collides in the same namespace,
    // on an interface and in a cgroup of both.
    // The check and the entry are one step under the directory's lock.
    void add(LiveFault fault);
    // For whoever asks (LiveProcess::counts), in a file of its own beside the row. Never throws: what cannot be written is not told.
    void count(const LiveCount& count);
    // Never throws: if the row cannot be written it says too much until this process ends.
    void remove(const std::string& name, const std::string& target);

private:
    void write();
    void write_counts() const;
    LiveProcess self_;
    unique_fd file_;
    std::string path_;
};

// Every other process that is alive now, by pid; files of dead ones are removed on the way where this process may.
// Needs no privilege to read.
std::vector<LiveProcess> live_processes();

}  // namespace blackstart
