// The two ways in which blackstart "cannot go on". Both are thrown and caught once, in main.
#pragma once

#include <stdexcept>
#include <string>

namespace blackstart {

// What was asked cannot be: exit 2. The text says what, where and what to write instead.
struct Misuse : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// This host, kernel, privilege or program does not allow it: exit 4. `fix` is what the user can do, as a sentence.
struct Unfit : std::runtime_error {
    Unfit(const std::string& what, std::string fix_) : std::runtime_error(what), fix(std::move(fix_)) {}
    std::string fix;
};

// Throws Unfit for a failed system call: "what: strerror(error)", with a fix where errno suggests one (EPERM: run as root).
[[noreturn]] void throw_errno(const std::string& what, int error);

}  // namespace blackstart
