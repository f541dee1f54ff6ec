// A command of the user's, without a shell: in our directory, stdin and stderr from and to nowhere, its process group killed at the
// timeout and when it ends. As root it lives in a PID namespace that ends with us: it sees the host's /proc, but cannot signal the
// host's processes (`test -d /proc/42` instead of `kill -0 42`). A command that cannot be started has no value.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "probes/http.h"

namespace blackstart {

struct ExecProbe {
    static constexpr const char* kind = "exec";
    std::vector<std::string> run;       // argv; found through PATH
    int exit = 0;                       // expect.exit
    std::optional<std::string> output;  // expect.stdout: a text that it contains
    std::optional<Extract> value;       // absent: stdout without the last newline, a number if it is one
};

}  // namespace blackstart
