#include "injector/kernel/holders.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cctype>
#include <charconv>
#include <filesystem>
#include <fstream>

#include "injector/kernel/owned_file.h"

namespace blackstart {
namespace {

namespace fs = std::filesystem;

// The value of "KEY:\tVALUE" in a descriptor's fdinfo.
std::string field(const fs::path& fdinfo, const std::string& key) {
    std::ifstream file(fdinfo);
    for (std::string line; std::getline(file, line);)
        if (line.starts_with(key + ":")) return line.substr(line.find_first_not_of(" \t", key.size() + 1));
    return {};
}

void look_into(pid_t pid, Holders& found) {
    const auto process = fs::path("/proc") / std::to_string(pid);
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(process / "fd", ignored)) {
        const auto what = fs::read_symlink(entry.path(), ignored).string();
        const auto info = process / "fdinfo" / entry.path().filename();
        if (what == "anon_inode:bpf-prog" || what == "anon_inode:bpf_link" || what == "anon_inode:bpf-link") {
            std::uint32_t id = 0;
            const auto text = field(info, "prog_id");
            std::from_chars(text.data(), text.data() + text.size(), id);
            if (id != 0) found.programs[id].insert(pid);
        } else if (what == "/dev/net/tun") {
            found.taps[field(info, "iff")].insert(pid);
        }
    }
}

}  // namespace

Holders holders() {
    Holders found;
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator("/proc", ignored)) {
        const auto name = entry.path().filename().string();
        pid_t pid = 0;
        if (std::from_chars(name.data(), name.data() + name.size(), pid).ec == std::errc{}) look_into(pid, found);
    }
    return found;
}

bool shares_registry(pid_t pid) {
    struct stat ours {
    }, theirs{};
    const auto path = "/proc/" + std::to_string(pid) + "/root" + kRunDirectory;
    if (::stat(kRunDirectory, &ours) != 0) return false;
    return ::stat(path.c_str(), &theirs) == 0 && ours.st_dev == theirs.st_dev && ours.st_ino == theirs.st_ino;
}

bool sees_every_process() {
    constexpr ino_t kFirst = 0xEFFFFFFC;  // PROC_PID_INIT_INO, include/linux/proc_ns.h
    struct stat here {};
    return ::stat("/proc/self/ns/pid", &here) == 0 && here.st_ino == kFirst;
}

}  // namespace blackstart
