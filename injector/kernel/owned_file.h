// Small files that say something for as long as the process that wrote them lives. The lock says whether it does, not the
// file: a SIGKILLed process drops it. It is a POSIX record lock (fcntl): a forked child does not inherit it, and whoever
// asks does not take it. It is dropped as well when its process closes any descriptor of that file: read others' only.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "injector/kernel/unique_fd.h"

namespace blackstart {

// Where this host's registry and journal are. Gone at each boot, as everything that they speak of.
inline constexpr const char* kRunDirectory = "/run/blackstart";

// One step at a time for everyone who writes a directory; made 0755 if it is not there. Its lock file is for root only, so
// that nobody else can hold it up. Throws Unfit if it cannot be written, or if a (stopped) process holds it for two seconds.
// Not to be nested in one process.
class DirectoryLock {
public:
    explicit DirectoryLock(const std::string& directory);

private:
    unique_fd file_;
};

// Makes or replaces a file in one step, locked by this process until the descriptor is closed. Not synced to a disk: what such files
// tell of does not outlive the kernel either.
// The directory's lock is held. Throws Unfit.
unique_fd write_owned(const std::string& path, const std::string& text);

struct OwnedFile {
    std::string path, text;
    bool alive = false;  // its owner
};

// Another process's file; nullopt if there is none.
std::optional<OwnedFile> read_owned(const std::string& path);

// Every file of a directory named "….json" that no descriptor of this process is for: those that begin with `own` are left out.
// Half-written ones of dead processes are removed if the caller says that it holds the directory's lock.
std::vector<OwnedFile> read_all_owned(const std::string& directory, const std::string& own, const DirectoryLock* held);

}  // namespace blackstart
