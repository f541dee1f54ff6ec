#include "injector/process.h"

#include "experiments/parse/faults.h"

namespace blackstart {

template <> void describe(Keys& keys, ProcessFault& fault) {
    using enum ProcessFault::Action;
    keys.about = "Kill processes, pause them, or kill them again whenever they start.";
    keys.example = "blackstart inject process --unit nginx.service --action pause --for 10s";
    keys.add("action", type::choice<ProcessFault::Action>("action", {{"kill", kill}, {"pause", pause}, {"crash-loop", crash_loop}}),
             fault.action)
        .need()
        .says("kill, pause or crash-loop (killed now, and at each start)");
    keys.add("pid", type::list(type::whole<pid_t>(1, 1 << 22, "PID")), fault.pids).says("process id");
    keys.add("exe", type::text("PATH"), fault.exe).says("path of the program's binary");
    keys.add("cgroup", type::text("CGROUP"), fault.cgroup).says("path or unit: every process in it or below it");
    keys.add("unit", type::text("UNIT"), fault.unit).says("systemd unit: every process of it");
    keys.add("at_most", type::whole<std::uint32_t>(1, 100'000), fault.at_most).otherwise("10").says("refused if more would be hit");
}

}  // namespace blackstart
