// An experiment as data: what the file says, with every default filled in and every value checked.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "experiments/expectations/expectation.h"
#include "injector/fault.h"
#include "injector/injection.h"
#include "injector/meter.h"
#include "injector/target.h"
#include "probes/probe.h"

namespace blackstart {

struct PlannedFault {
    std::string name;  // unique; "KIND-N" if the file gives none
    Fault fault;
    std::vector<std::string> targets;  // names of targets; empty: one target, the host itself
    std::chrono::nanoseconds at{0};    // from t0
    Terms terms;                       // terms.duration is `for`; terms.seed is derived from the run's seed
};

struct PlannedMeter {
    std::string name;
    MeterPlan plan;
    std::string target;  // a target's name; "": the host itself
};

inline constexpr const char* host_target = "host";  // the name of the host itself among targets
inline std::vector<std::string> targets_of(const PlannedFault& fault) {
    return fault.targets.empty() ? std::vector<std::string>{host_target} : fault.targets;
}
inline std::string target_of(const PlannedMeter& meter) { return meter.target.empty() ? host_target : meter.target; }

struct Guard {
    std::string probe;
    Limit success;                                           // trips = "success < 50%"
    std::chrono::nanoseconds over{std::chrono::seconds(5)};  // sliding window
    std::string text;                                        // `trips` as written
};

// One way to ask whether a service is up: a TCP address or an http URL that answers 2xx, or a DNS server that answers.
struct Ready {
    std::string tcp, http, dns;  // one of the three; empty all: ready when it runs
    std::chrono::nanoseconds timeout{std::chrono::seconds(10)};
};

struct Service {
    std::string name, host;
    std::vector<std::string> run;  // argv, no shell; its working directory is the experiment file's folder
    Ready ready;
    bool restart = false;
    bool cgroup = false;             // it has a cgroup (v2) of its own, and sees nothing above: for what manages cgroups, as systemd
    std::vector<std::string> needs;  // programs that it starts itself: missing ones are named before anything is made
    std::string package;             // the Debian packages that bring run[0] and those; named when one is missing
};

struct LabPlan {
    std::map<std::string, std::vector<std::string>> hosts;  // host -> addresses, IPv4 and IPv6, without a prefix length
    std::string resolver;                                   // for each host's resolv.conf; "" = none
    std::vector<Service> services;                          // started in this order
};

struct Experiment {
    std::string name, title;
    std::chrono::nanoseconds baseline{std::chrono::seconds(5)};
    std::chrono::nanoseconds duration{0};
    int repeat = 1;                     // how often `run` runs it, each time under another seed
    std::optional<std::uint64_t> seed;  // absent: drawn when run, and recorded
    std::map<std::string, TargetSpec> targets;
    std::vector<PlannedFault> faults;
    std::vector<Probe> probes;
    std::vector<PlannedMeter> meters;
    std::vector<Expectation> expectations;
    std::vector<Guard> guards;
    std::optional<LabPlan> lab;
};

}  // namespace blackstart
