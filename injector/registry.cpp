#include "injector/registry.h"

#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "injector/kernel/error.h"
#include "injector/kernel/journal.h"
#include "injector/kernel/owned_file.h"

namespace blackstart {

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(LiveFault, name, kind, target, netns_inode, interfaces, until, claims)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(LiveProcess, pid, user, command, since, faults)

namespace {

const std::string kDirectory = kRunDirectory;

std::string path_of(pid_t pid) { return kDirectory + "/" + std::to_string(pid) + ".json"; }

std::string now_utc() {
    const std::time_t seconds = std::time(nullptr);
    std::tm parts{};
    ::gmtime_r(&seconds, &parts);
    char text[32];
    std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
    return text;
}

std::string user() {
    std::ifstream file("/proc/self/loginuid");
    auto uid = static_cast<uid_t>(-1);
    file >> uid;
    const char* sudo = std::getenv("SUDO_UID");
    if (uid == static_cast<uid_t>(-1)) uid = sudo != nullptr ? static_cast<uid_t>(std::strtoul(sudo, nullptr, 10)) : ::getuid();
    const passwd* entry = ::getpwuid(uid);
    return entry != nullptr ? entry->pw_name : std::to_string(uid);
}

// The rows of the living; with the directory's lock held those of the dead are removed.
std::vector<LiveProcess> read_rows(const DirectoryLock* held) {
    std::vector<LiveProcess> live;
    for (const auto& file : read_all_owned(kDirectory, std::to_string(::getpid()) + ".", held)) {
        const auto json = nlohmann::json::parse(file.text, nullptr, false);
        if (file.alive && json.is_object()) live.push_back(json.get<LiveProcess>());
        if (!file.alive && held != nullptr) ::unlink(file.path.c_str());
    }
    std::ranges::sort(live, {}, &LiveProcess::pid);
    return live;
}

std::string normal(std::string name) {
    std::ranges::transform(name, name.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    if (name.size() > 1 && name.ends_with('.')) name.pop_back();
    return name;
}

std::vector<std::string> claims_of(const DnsFault& fault) {
    std::string tail = ":" + std::to_string(fault.port);
    for (std::size_t i = 0; i < fault.types.size(); i++) tail += (i == 0 ? ":" : ",") + std::to_string(fault.types[i]);
    std::vector<std::string> all;
    for (const auto& name : fault.names) all.push_back("dns:" + normal(name) + tail);
    return all;
}

std::vector<std::string> claims_of(const HealthFault& fault) {
    std::vector<std::string> all;
    for (const auto port : fault.ports) all.push_back("health:" + std::to_string(port));
    return all;
}

std::vector<std::string> claims_of(const HttpFault& fault) {
    std::vector<std::string> all;
    for (const auto port : fault.ports) all.push_back("http:" + std::to_string(port));
    return all;
}

std::vector<std::string> claims_of(const ProcessFault&) { return {}; }
std::vector<std::string> claims_of(const SurgeFault&) { return {}; }
// Network kinds stack.
template <class Network>
requires requires(const Network& fault) { fault.match; }
std::vector<std::string> claims_of(const Network&) { return {}; }

std::vector<std::string> split(const std::string& text, char separator) {
    std::vector<std::string> parts;
    std::istringstream stream(text);
    for (std::string part; std::getline(stream, part, separator);) parts.push_back(part);
    return parts;
}

// Whether `pattern` is `name` or, as "*.suffix", covers it.
bool covers(const std::string& pattern, const std::string& name) {
    if (pattern == name) return true;
    return pattern.starts_with("*.") && name.size() >= pattern.size() && name.ends_with(pattern.substr(1));
}

bool common(const std::vector<std::string>& a, const std::vector<std::string>& b) {
    return std::ranges::any_of(a, [&](const auto& x) { return std::ranges::find(b, x) != b.end(); });
}

}  // namespace

std::vector<std::string> claims(const Fault& fault) {
    return std::visit([](const auto& f) { return claims_of(f); }, fault);
}

bool collide(const std::string& a, const std::string& b) {
    if (a == b) return true;
    if (!a.starts_with("dns:") || !b.starts_with("dns:")) return false;
    const auto left = split(a, ':'), right = split(b, ':');  // dns, name, port, types
    if (left.size() < 3 || right.size() < 3 || left[2] != right[2]) return false;
    if (!covers(left[1], right[1]) && !covers(right[1], left[1])) return false;
    if (left.size() < 4 || right.size() < 4) return true;
    return common(split(left[3], ','), split(right[3], ','));
}

Registration::Registration(std::string command) {
    self_.pid = ::getpid();
    self_.user = user();
    self_.command = std::move(command);
    self_.since = now_utc();
    path_ = path_of(self_.pid);
    {
        const DirectoryLock alone(kDirectory);
        write();
    }
    undo_leftovers();  // what cannot be undone is for doctor and restore to name: it is no reason not to work
}

Registration::~Registration() {
    if (file_) ::unlink(path_.c_str());
}

void Registration::add(LiveFault fault) {
    const DirectoryLock alone(kDirectory);
    for (const auto& process : read_rows(&alone))
        for (const auto& other : process.faults) {
            if (other.netns_inode != fault.netns_inode) continue;
            for (const auto& theirs : other.claims)
                for (const auto& ours : fault.claims)
                    if (collide(theirs, ours))
                        throw Unfit(fmt::format("{}: process {} ({}) already has {} in this namespace until {}", ours, process.pid,
                                                process.command, theirs, other.until),
                                    "wait for it, or end it with: kill " + std::to_string(process.pid));
        }
    self_.faults.push_back(std::move(fault));
    write();
}

void Registration::remove(const std::string& name, const std::string& target) {
    std::erase_if(self_.faults, [&](const LiveFault& fault) { return fault.name == name && fault.target == target; });
    try {
        const DirectoryLock alone(kDirectory);
        write();
    } catch (const Unfit&) {
        // The row says too much until this process ends; restoring goes on.
    }
}

// The directory's lock is held. A reader sees the old row or the new one, and both are locked.
void Registration::write() {
    const auto json = nlohmann::json(self_);
    file_ = write_owned(path_, json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
}

std::vector<LiveProcess> live_processes() {
    if (::access(kDirectory.c_str(), W_OK) != 0) return read_rows(nullptr);
    try {
        const DirectoryLock alone(kDirectory);
        return read_rows(&alone);
    } catch (const Unfit&) {
        // Someone is stopped in the middle of a step: read all the same, `restore` needs to know whom to end.
        return read_rows(nullptr);
    }
}

}  // namespace blackstart
