#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <exception>
#include <string_view>

#include "experiments/cli/cli.h"
#include "injector/kernel/error.h"
#include "injector/kernel/guardian.h"

namespace {

// Of stdin, stdout and stderr, each that is closed becomes /dev/null: what is opened later, a device or a file of the state directory,
// would take its number, and be written what is told.
void hold_standard_descriptors() {
    int opened = 0;
    while (opened >= 0 && opened <= STDERR_FILENO) opened = ::open("/dev/null", O_RDWR);
    if (opened > STDERR_FILENO) ::close(opened);
}

bool reader_left() {
    pollfd out{STDOUT_FILENO, 0, 0};
    return ::poll(&out, 1, 0) > 0 && (out.revents & POLLERR) != 0;
}

// The exit code, once all is told. Where stdout is all there is, 0 says that it was written.
int told(std::string_view command, int code) {
    constexpr std::array<std::string_view, 4> answer_by_code{"run", "inject", "judge", "restore"};
    const bool flushed = std::fflush(stdout) == 0;
    if ((flushed && std::ferror(stdout) == 0) || reader_left()) return code;
    std::fputs("blackstart: stdout could not be written: what is told is not whole\n", stderr);
    return code == 0 && std::ranges::find(answer_by_code, command) == answer_by_code.end() ? 4 : code;
}

}  // namespace

int main(int argc, char** argv) {
    hold_standard_descriptors();
    const std::string_view command = argc > 1 ? argv[1] : "";
    if (command == "guardian") return blackstart::guardian_main(argc, argv);
    try {
        return told(command, blackstart::command_line(argc, argv));
    } catch (const blackstart::Misuse& error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 2;
    } catch (const blackstart::Unfit& error) {
        std::fprintf(stderr, "%s\n", error.what());
        if (!error.fix.empty()) std::fprintf(stderr, "fix: %s\n", error.fix.c_str());
        return 4;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "blackstart: %s\n", error.what());
        return 4;
    }
}
