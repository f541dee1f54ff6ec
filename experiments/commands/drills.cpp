#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iostream>
#include <nlohmann/json.hpp>

#include "experiments/commands/commands.h"
#include "experiments/drills.h"
#include "experiments/manual.h"
#include "experiments/parse.h"
#include "injector/kernel/error.h"
#include "injector/kernel/unique_fd.h"

namespace blackstart {
namespace {

// One line for a drill: the title of its hardened half.
std::string title(const Drill& drill) {
    const auto file = drill.folder / "hardened.toml";
    return parse(read_file(file), file.string()).experiment.title;
}

// What `drills new` writes; NAME stands for the name. `check` finds nothing wrong with it.
constexpr std::string_view kBeginning = R"(# An experiment to begin with. It is right as it stands, and runs in a lab of its own:
#     blackstart check NAME.toml; blackstart plan NAME.toml; blackstart run NAME.toml
# Every key, its unit and what holds if it is absent: man 5 blackstart.toml

[experiment]
name     = "NAME"
title    = "The page is served while its server is 50 ms slower"      # what you expect, as one sentence
baseline = "5s"                # the steady state: measured first, and has to hold
duration = "20s"               # from t0, when faults may begin, to the end of observation

# Where faults are put. Without a target a fault is put on the host itself.
[target.web]
netns = "web"                  # a lab host, or a namespace: NAME, a path, or pid:N
# interface = "eth0"           # absent: all in use
# cgroup    = "nginx.service"  # only the traffic of its sockets

# What is broken. `blackstart inject KIND --help` shows each kind's keys: dns, latency, loss, partition, health, http, process …
[[fault]]
name   = "slow"
kind   = "latency"
target = "web"
at     = "2s"
for    = "10s"                 # required: no fault is without an end
to     = "10.99.0.10"
delay  = "50ms"

# [[fault]]                    # another, after the first
# kind   = "health"
# target = "web"
# at     = "13s"
# for    = "5s"
# port   = 8080
# path   = "/healthz"
# result = 503                 # or "timeout", "reset"

# What is watched, from where the customers are.
[[probe]]
name    = "customers"
kind    = "http"               # or dns, resolve, tcp, icmp, metric, exec
from    = "client"
url     = "http://10.99.0.20:8080/"
every   = "50ms"
timeout = "1s"

# What has to hold. One condition each; without `during`, from t0 to the end.
[[expect]]
probe   = "customers"
success = ">= 98%"

[[expect]]
probe           = "customers"
recovers_within = "5s"
after           = "slow.stop"
hold            = "2s"

# When to stop at once, restored: the blast goes further than meant.
[[guard]]
probe = "customers"
trips = "success < 50%"
over  = "5s"

# Hosts and services, made for the run and gone after it. On your own hosts: leave [lab] out, and name your own places above.
[lab]
hosts = { client = ["10.99.0.10"], web = ["10.99.0.20"] }

[[lab.service]]
name    = "web"
host    = "web"
run     = ["python3", "-m", "http.server", "8080", "--directory", "/usr/share/doc/base-files"]
ready   = { http = "http://10.99.0.20:8080/" }
package = "python3"
)";

std::string beginning(const std::string& name) {
    std::string text(kBeginning);
    for (std::size_t at = 0; (at = text.find("NAME", at)) != std::string::npos; at += name.size())
        if (text.compare(at, 5, "NAME,") != 0) text.replace(at, 4, name);
    return text;
}

}  // namespace

int new_drill(const std::string& name) {
    const bool right =
        !name.empty() && std::ranges::all_of(name, [](unsigned char c) { return std::islower(c) || std::isdigit(c) || c == '-'; });
    if (!right || name.starts_with('-')) throw Misuse("drills new: '" + name + "' is no name: small letters, digits and '-'");
    const auto file = name + ".toml";
    const unique_fd fd(::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
    if (!fd && errno == EEXIST) throw Misuse("drills new: " + file + " is already there, and is left as it is");
    if (!fd) throw Misuse("drills new: cannot write " + file + ": " + std::strerror(errno));
    const auto text = beginning(name);
    if (::write(fd.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
        throw Unfit("drills new: cannot write " + file + ": " + std::strerror(errno), "look at the disk");
    std::cout << file << '\n';
    return 0;
}

int manual_command() {
    std::cout << manual();
    return 0;
}

int drills_command(bool json) {
    auto list = nlohmann::ordered_json{{"format", "blackstart-drills/1.0"}, {"drills", nlohmann::ordered_json::array()}};
    const auto shipped = shipped_drills();
    if (shipped.empty()) throw Unfit("there are no drills here", "install blackstart, or run it where it was built");
    for (const auto& drill : shipped) {
        list["drills"].push_back({{"name", drill.name}, {"title", title(drill)}, {"folder", drill.folder.string()}});
        if (!json) fmt::print("{:<20} {}\n", drill.name, title(drill));
    }
    if (json) std::cout << list.dump() << '\n';
    return 0;
}

}  // namespace blackstart
