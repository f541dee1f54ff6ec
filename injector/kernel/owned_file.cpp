#include "injector/kernel/owned_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "injector/kernel/error.h"

namespace blackstart {
namespace {

constexpr auto kUnfinished = ".new";

bool lock(int fd) {
    struct flock whole {};
    whole.l_type = F_WRLCK;
    for (int tries = 0; ::fcntl(fd, F_SETLK, &whole) != 0; tries++) {
        if (tries == 2000 || (errno != EINTR && errno != EAGAIN && errno != EACCES)) return false;
        ::usleep(1000);
    }
    return true;
}

bool locked(int fd) {
    struct flock whole {};
    whole.l_type = F_WRLCK;
    return ::fcntl(fd, F_GETLK, &whole) == 0 && whole.l_type != F_UNLCK;
}

std::string read_all(int fd) {
    std::string text;
    char buffer[4096];
    for (;;) {
        const auto got = ::pread(fd, buffer, sizeof buffer, static_cast<off_t>(text.size()));
        if (got <= 0) return text;
        text.append(buffer, static_cast<std::size_t>(got));
    }
}

bool write_all(int fd, const std::string& text) { return ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()); }

}  // namespace

DirectoryLock::DirectoryLock(const std::string& directory) {
    const auto parent = std::filesystem::path(directory).parent_path();
    for (const auto& path : {parent.string(), directory})
        if (::mkdir(path.c_str(), 0755) == 0) ::chmod(path.c_str(), 0755);  // whatever the umask
    if (::access(directory.c_str(), W_OK) != 0) throw_errno("cannot write " + directory, errno);
    const std::string path = directory + "/lock";
    file_.reset(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (!file_) throw_errno("cannot open " + path, errno);
    if (!lock(file_.get()))
        throw Unfit(path + " is held by another process", "a blackstart process may be stopped: `blackstart restore` ends it");
}

unique_fd write_owned(const std::string& path, const std::string& text) {
    const std::string fresh = path + kUnfinished;
    ::unlink(fresh.c_str());
    unique_fd file(::open(fresh.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
    if (!file || !lock(file.get()) || !write_all(file.get(), text) || ::fchmod(file.get(), 0644) != 0 ||
        ::rename(fresh.c_str(), path.c_str()) != 0) {
        const int error = errno;
        ::unlink(fresh.c_str());
        throw_errno("cannot write " + path, error);
    }
    return file;
}

std::optional<OwnedFile> read_owned(const std::string& path) {
    // Its owner puts a new, locked file in the place of the old one at every change: an unlocked file that is no longer
    // the one at this path says nothing.
    for (int tries = 0; tries < 100; tries++) {
        const unique_fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
        struct stat opened {
        }, present{};
        if (!file || ::fstat(file.get(), &opened) != 0) return std::nullopt;
        const bool alive = locked(file.get());
        auto text = read_all(file.get());
        const bool same = ::stat(path.c_str(), &present) == 0 && present.st_ino == opened.st_ino;
        if (alive || same) return OwnedFile{path, std::move(text), alive};
    }
    return std::nullopt;
}

std::vector<OwnedFile> read_all_owned(const std::string& directory, const std::string& own, const DirectoryLock* held) {
    std::vector<OwnedFile> all;
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator(directory, ignored)) {
        const auto& path = entry.path();
        if (path.filename().string().starts_with(own)) continue;
        if (path.extension() == ".json") {
            if (auto file = read_owned(path.string())) all.push_back(std::move(*file));
        } else if (held != nullptr && path.extension() == kUnfinished) {
            ::unlink(path.c_str());
        }
    }
    std::ranges::sort(all, {}, &OwnedFile::path);
    return all;
}

}  // namespace blackstart
