// The lab of an experiment: hosts as network namespaces on one bridge, services in them. Crash-only: it lives in
// descriptors and in one PID namespace of this process, and is gone when the process is; so is, by the journal, the cgroup of
// a service that asks for one.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "experiments/experiment.h"
#include "probes/loop.h"
#include "probes/place.h"

namespace blackstart {

class Lab {
public:
    // Makes the hosts and their links. `folder` is the experiment file's. Throws Unfit; programs that are missing are all
    // named, with their packages, before anything is made.
    Lab(const LabPlan& plan, const std::filesystem::path& folder);
    ~Lab();
    Lab(const Lab&) = delete;
    Lab& operator=(const Lab&) = delete;

    // Starts the services in order, each after the one before it is ready. Returns when all are, when a signal that the loop
    // waits for is pending, or at the deadline. Throws Unfit with the last lines that a service printed when it exits or is
    // not ready in time. `tell` gets later exits and restarts, in the loop. Output of a service goes to `logs`/NAME.log.
    void start(Loop& loop, const std::filesystem::path& logs, std::optional<std::chrono::nanoseconds> deadline,
               std::function<void(const std::string& service, const std::string& what)> tell);

    [[nodiscard]] bool has(const std::string& host) const;
    [[nodiscard]] Place place(const std::string& host) const;
    // Paths that open_netns and open(2) take, as /proc/self/fd/N.
    [[nodiscard]] std::string netns_path(const std::string& host) const;
    [[nodiscard]] std::string mntns_path(const std::string& host) const;

    // Ends every service and waits (bounded) until processes and namespaces are gone. Returns what is left, for people.
    std::vector<std::string> stop();

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace blackstart
