#include "injector/kernel/cgroup.h"

#include <fstream>
#include <sstream>

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

}  // namespace blackstart
