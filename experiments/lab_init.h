// The init of a lab: PID 1 of the namespace in which the services run. It starts services when told and reports their
// exits. When it ends, by the kernel's word with its parent or by our own, the kernel ends every service and grandchild.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "injector/kernel/unique_fd.h"

namespace blackstart {

// One service, ready to be started. Descriptors are borrowed until the init is forked.
struct Job {
    std::vector<std::string> argv;  // argv[0]: the program's path
    std::string host, folder;
    int netns = -1, mntns = -1, log = -1;
    int cgroup = -1;  // its cgroup.procs; negative: it stays in ours
};

class LabInit {
public:
    struct Exit {
        std::uint32_t job = 0;
        std::int32_t status = 0;  // as wait(2) gives it
    };

    // Forks the init. It keeps no descriptor but its own and those of the jobs. Throws Unfit.
    explicit LabInit(const std::vector<Job>& jobs);
    ~LabInit();  // ends it, and with it every service
    LabInit(const LabInit&) = delete;
    LabInit& operator=(const LabInit&) = delete;

    void start(std::size_t job);
    // SIGTERM to every process of the lab; then up to `patience`, then SIGKILL. False if the init is not gone even then.
    bool stop(int patience_ms);

    // Readable when `exits` has something to say, or the init is gone.
    [[nodiscard]] int descriptor() const { return socket_.get(); }
    // What has exited since the last call; never blocks.
    std::vector<Exit> exits();
    [[nodiscard]] bool gone() const { return gone_; }

private:
    bool wait(int ms);  // for its end
    pid_t pid_ = -1;
    unique_fd socket_, pidfd_;
    bool gone_ = false;
};

}  // namespace blackstart
