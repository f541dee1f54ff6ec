#include "injector/kernel/stack.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <string>

#include "injector/kernel/error.h"

namespace blackstart {
namespace {

const std::string kParent = "/run/blackstart";
const std::string kDirectory = kParent + "/stack";

unique_fd open_lock(const std::string& name) {
    const std::string path = kDirectory + "/" + name;
    unique_fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (!fd) throw_errno("cannot open " + path, errno);
    return fd;
}

// True if it was free. Converting an exclusive lock to a shared one gives it up for a moment: only under the directory's lock.
bool take(int fd, int how) { return ::flock(fd, how | LOCK_NB) == 0; }

std::uint64_t read_number(int fd) {
    std::array<char, 32> text{};
    return ::pread(fd, text.data(), text.size() - 1, 0) > 0 ? std::strtoull(text.data(), nullptr, 10) : 0;
}

void write_number(int fd, std::uint64_t number) {
    const std::string text = std::to_string(number) + "\n";
    if (::ftruncate(fd, 0) != 0 || ::pwrite(fd, text.data(), text.size(), 0) != static_cast<ssize_t>(text.size()))
        throw_errno("cannot write in " + kDirectory, errno);
}

// The tag that live faults of this namespace use, or the first that no live fault of any namespace uses.
std::uint8_t find_tag(std::uint64_t netns_inode) {
    int unused = 0;
    for (int tag = 255; tag >= 1; tag--) {
        const std::string path = fmt::format("{}/{}", kDirectory, tag);
        const unique_fd fd(::open(path.c_str(), O_RDWR | O_CLOEXEC));
        if (!fd || take(fd.get(), LOCK_EX))
            unused = tag;
        else if (read_number(fd.get()) == netns_inode)
            return static_cast<std::uint8_t>(tag);
    }
    if (unused == 0) throw Unfit("network faults are in force in 255 network namespaces: no 256th", "`blackstart status` shows them");
    return static_cast<std::uint8_t>(unused);
}

}  // namespace

StackTag::StackTag(std::uint64_t netns_inode) {
    for (const auto& directory : {kParent, kDirectory})
        if (::mkdir(directory.c_str(), 0755) != 0 && errno != EEXIST) throw_errno("cannot make " + directory, errno);
    const unique_fd everyone = open_lock("lock");
    // Held for microseconds by each; a process stopped just then would be waited for.
    if (::flock(everyone.get(), LOCK_EX) != 0) throw_errno("cannot lock " + kDirectory, errno);

    value_ = find_tag(netns_inode);
    lock_ = open_lock(std::to_string(value_));
    if (take(lock_.get(), LOCK_EX)) write_number(lock_.get(), netns_inode);
    if (!take(lock_.get(), LOCK_SH)) throw_errno("cannot lock a tag in " + kDirectory, errno);
}

StackSlot::StackSlot(std::uint64_t netns_inode) : tag_(netns_inode) {
    for (int i = 0; i < 8; i++) {
        bit_lock_ = open_lock(fmt::format("{}.{}", tag_.value(), i));
        if (!take(bit_lock_.get(), LOCK_EX)) continue;
        bit_ = static_cast<std::uint8_t>(1 << i);
        return;
    }
    throw Unfit("eight network faults are in force in this namespace: there is no room for a ninth", "`blackstart status` shows them");
}

}  // namespace blackstart
