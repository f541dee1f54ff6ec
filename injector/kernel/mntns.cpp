#include "injector/kernel/mntns.h"

#include <fcntl.h>
#include <nss.h>
#include <sched.h>
#include <sys/mount.h>

#include <cerrno>
#include <filesystem>
#include <future>
#include <string>

#include "injector/kernel/error.h"

namespace blackstart {
namespace {

namespace fs = std::filesystem;

unique_fd with_files_of(const fs::path& folder) {
    return make_mntns([&folder] {
        std::error_code ignored;
        for (const auto& entry : fs::directory_iterator(folder, ignored))
            ::mount(entry.path().c_str(), ("/etc" / entry.path().filename()).c_str(), nullptr, MS_BIND, nullptr);
    });
}

}  // namespace

// In a short-lived thread: its namespace is its own, the process stays in the one that it is in.
unique_fd make_mntns(const std::function<void()>& furnish) {
    const auto make = [&furnish] {
        if (::unshare(CLONE_NEWNS) != 0) throw_errno("cannot make a mount namespace", errno);
        // Slave: nothing of ours is seen outside, and what the host unmounts is not held by us.
        if (::mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr) != 0) throw_errno("cannot part from the host's mounts", errno);
        furnish();
        unique_fd made(::open("/proc/thread-self/ns/mnt", O_RDONLY | O_CLOEXEC));
        if (!made) throw_errno("cannot open a mount namespace", errno);
        return made;
    };
    return std::async(std::launch::async, make).get();
}

bool enter_to_look_up(int mntns_fd) { return ::setns(mntns_fd, CLONE_NEWNS) == 0 && ::__nss_configure_lookup("hosts", "files dns") == 0; }

unique_fd open_mntns_of(std::string_view netns) {
    if (netns.starts_with("pid:"))
        return unique_fd(::open(("/proc/" + std::string(netns.substr(4)) + "/ns/mnt").c_str(), O_RDONLY | O_CLOEXEC));
    const auto folder = fs::path("/etc/netns") / netns;
    std::error_code ignored;
    if (netns.empty() || netns.front() == '/' || !fs::is_directory(folder, ignored)) return {};
    try {
        return with_files_of(folder);
    } catch (const Unfit&) {
        return {};
    }
}

}  // namespace blackstart
