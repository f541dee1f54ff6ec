#include "injector/kernel/cgroup.h"

#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>
#include <thread>
#include <vector>

namespace blackstart {

std::string cgroup2_mount() {
    std::ifstream mounts("/proc/self/mountinfo");
    for (std::string line; std::getline(mounts, line);) {
        const auto dash = line.find(" - cgroup2 ");
        if (dash == std::string::npos) continue;
        std::istringstream fields(line);
        std::string field;
        for (int i = 0; i < 5; i++) fields >> field;
        return field;
    }
    return {};
}

std::string own_cgroup() {
    const auto mount = cgroup2_mount();
    std::ifstream own("/proc/self/cgroup");
    for (std::string line; !mount.empty() && std::getline(own, line);)
        if (line.starts_with("0::/")) return std::filesystem::is_directory(mount + line.substr(3)) ? mount + line.substr(3) : "";
    return {};
}

bool remove_cgroup(const std::string& directory) {
    std::error_code error;
    for (int tries = 0; tries < 50; tries++) {
        std::vector<std::string> all{directory};
        for (std::filesystem::recursive_directory_iterator below(directory, error), end; !error && below != end; below.increment(error))
            if (below->is_directory(error)) all.push_back(below->path().string());
        // Those below are behind those that they are below.
        for (auto one = all.rbegin(); one != all.rend(); ++one) ::rmdir(one->c_str());
        if (::access(directory.c_str(), F_OK) != 0) return true;
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return false;
}

}  // namespace blackstart
