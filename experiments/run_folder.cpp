#include "experiments/run_folder.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "injector/kernel/error.h"
#include "injector/kernel/unique_fd.h"

namespace blackstart {
namespace {

bool write_all(int fd, std::string_view text) {
    while (!text.empty()) {
        const ssize_t n = ::write(fd, text.data(), text.size());
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return false;
        text.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
}

namespace fs = std::filesystem;

// /dev/stdout, /dev/fd/3, /proc/self/fd/1: what is open there already, be it a file.
bool is_descriptor(const fs::path& file) {
    std::error_code ignored;
    const auto next = fs::is_symlink(file, ignored) ? file.parent_path() / fs::read_symlink(file, ignored) : file;
    const auto in_proc = [&](const fs::path& path) {
        return fs::weakly_canonical(path.parent_path(), ignored).string().starts_with("/proc/");
    };
    return in_proc(file) || in_proc(next);
}

std::string write_to(const fs::path& there, const std::string& text) {
    const unique_fd fd(::open(there.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
    return fd && write_all(fd.get(), text) ? "" : std::strerror(errno);
}

Parsed experiment_as_run(const std::filesystem::path& file, const std::filesystem::path& expect) {
    Parsed parsed = parse(read_file(file), file.string());
    if (parsed.errors.empty() && !expect.empty()) parsed = parse_expecting(read_file(file), read_file(expect), expect.string());
    std::string errors;
    for (const Diagnostic& error : parsed.errors) errors += (errors.empty() ? "" : "\n") + to_string(error);
    if (!errors.empty()) throw Misuse(errors);
    return parsed;
}

}  // namespace

JudgedRun judge_folder(const std::filesystem::path& folder, const std::filesystem::path& expect) {
    auto [experiment, errors, warnings] = experiment_as_run(folder / experiment_file, expect);
    JudgedRun run{std::move(experiment), {}, read_history(folder / history_file), {}, {}};
    if (!expect.empty()) run.warnings = std::move(warnings);
    if (run.history.experiment != run.experiment.name) {
        throw Misuse(fmt::format("{}: the history is of \"{}\", and {} is \"{}\"", folder.string(), run.history.experiment, experiment_file,
                                 run.experiment.name));
    }
    run.verdict = judge(run.experiment, run.history);
    if (expect.empty()) run.expectation_lines = expectation_lines(read_file(folder / experiment_file));
    return run;
}

std::string write_whole(const fs::path& file, const std::string& text) {
    std::string temporary = file.string() + ".XXXXXX";
    const unique_fd made(::mkostemp(temporary.data(), O_CLOEXEC));
    if (!made) return std::strerror(errno);
    if (write_all(made.get(), text) && ::fchmod(made.get(), 0644) == 0 && std::rename(temporary.c_str(), file.c_str()) == 0) return "";
    const int error = errno;
    ::unlink(temporary.c_str());
    return std::strerror(error);
}

std::string write_report(const fs::path& asked, const std::string& text) {
    std::error_code ignored;
    if (is_descriptor(asked) || (fs::exists(asked, ignored) && !fs::is_regular_file(asked, ignored))) return write_to(asked, text);
    auto file = asked;
    for (int links = 0; links < 8 && fs::is_symlink(file, ignored); links++) file = file.parent_path() / fs::read_symlink(file, ignored);
    return write_whole(file, text);
}

std::string write_verdict(const std::filesystem::path& folder, const std::string& json) { return write_whole(folder / verdict_file, json); }

}  // namespace blackstart
