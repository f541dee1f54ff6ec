#include "injector/kernel/proc.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string_view>
#include <thread>

namespace blackstart {
namespace {

std::vector<pid_t> numbers_in(const std::string& directory) {
    std::vector<pid_t> found;
    std::error_code ignored;
    for (std::filesystem::directory_iterator at(directory, ignored), end; !ignored && at != end; at.increment(ignored)) {
        const auto name = at->path().filename().string();
        pid_t pid = 0;
        const auto [last, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
        if (error == std::errc() && last == name.data() + name.size()) found.push_back(pid);
    }
    std::ranges::sort(found);
    return found;
}

// How often it has given up its processor (proc(5), status), in the order of the kernel's lines: voluntarily, and not.
std::vector<std::string> switches(pid_t pid) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/status");
    std::vector<std::string> found;
    for (std::string line; std::getline(file, line);)
        if (line.find("voluntary_ctxt_switches:") != std::string::npos) found.push_back(line);
    return found;
}

}  // namespace

// The name in field 2 may hold anything: the last ')' ends it. The start time is field 22.
std::optional<ProcessStat> process_stat(pid_t pid) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
    std::string line;
    if (!std::getline(file, line)) return std::nullopt;
    const auto open = line.find('('), close = line.rfind(") ");
    if (open == std::string::npos || close == std::string::npos || close <= open) return std::nullopt;
    ProcessStat stat;
    stat.name = line.substr(open + 1, close - open - 1);
    std::istringstream rest(line.substr(close + 2));
    rest >> stat.state >> stat.parent;
    std::string skipped;
    for (int field = 5; field < 22; field++) rest >> skipped;
    rest >> stat.started;
    return rest ? std::optional(stat) : std::nullopt;
}

bool stands_still(pid_t pid) {
    constexpr int looks = 10;
    constexpr auto pause = std::chrono::milliseconds(10);
    auto now = process_stat(pid);
    if (!now || now->state != 't') return now && now->state == 'T';
    const auto before = switches(pid);
    for (int i = 0; i < looks && now && now->state == 't'; i++) {
        std::this_thread::sleep_for(pause);
        now = process_stat(pid);
    }
    return now && (now->state == 'T' || (now->state == 't' && switches(pid) == before));
}

std::vector<pid_t> processes() { return numbers_in("/proc"); }

std::vector<pid_t> threads(pid_t pid) { return numbers_in("/proc/" + std::to_string(pid) + "/task"); }

std::string cgroup_of(pid_t pid) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/cgroup");
    for (std::string line; std::getline(file, line);)
        if (line.starts_with("0::")) return line.substr(3);
    return {};
}

}  // namespace blackstart
