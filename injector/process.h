// Processes that die, hang, or die again whenever they start.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace blackstart {

// Selects every process for which all that is given holds; at least one of pid, exe, cgroup and unit is. A target's namespace
// and cgroup narrow it further.
//   kill        SIGKILL, once, when the fault begins. An event: nothing is restored.
//   pause       none of its threads runs until the fault ends. By ptrace, which the kernel takes back when this process dies;
//               where that is not permitted (somebody traces it already) a cgroup is frozen if it is selected as a whole, else
//               SIGSTOP. Those two are journalled, and a guardian watches in any case. Processes that start later run.
//   crash_loop  killed now, and again in each exec until the fault ends, before its first instruction. Processes that were forked
//               and do not exec are not seen.
// Never selected: process 1, this process, its ancestors and other blackstarts, sshd, the journal, kernel threads; if `pid` names
// one of them, or nothing else is selected, the fault is refused, and so is one that selects more than `at_most`.
//
// A cycle by count: of the processes that are found, of a crash-loop of the starts. By time, to a fifth of a second: those that run when
// a round begins are killed or paused, and the paused run again in its pause.
//
// Tally: `matched` counts processes selected, and starts while the crash-loop acts; `hits` those that are really dead, or stopped;
// `unseen` those that were selected and spared, or did not die or stop within a second.
struct ProcessFault {
    static constexpr const char* kind = "process";
    static constexpr const char* way = "SIGKILL, ptrace, a tracepoint";
    enum class Action { kill, pause, crash_loop };

    Action action = Action::kill;
    std::vector<pid_t> pids;  // in this process's PID namespace
    std::string exe;          // path of the binary; of a script it is the interpreter
    std::string cgroup;       // a path below the cgroup v2 mount, an absolute path, or a unit; with all below it
    std::string unit;         // a systemd unit, by its cgroup
    std::uint32_t at_most = 10;
};

// Throws Misuse for what cannot be, wherever it is asked.
void check(const ProcessFault& fault);

}  // namespace blackstart
