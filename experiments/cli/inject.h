// `blackstart inject KIND`: the options are the fault's keys.
#pragma once

#include <CLI/App.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "experiments/cli/complete.h"
#include "experiments/parse/faults.h"

namespace blackstart {

// One kind's subcommand: described when made, read when chosen.
class InjectKind {
public:
    InjectKind(CLI::App& inject, const std::string& kind);
    InjectKind(const InjectKind&) = delete;
    InjectKind& operator=(const InjectKind&) = delete;

    [[nodiscard]] CLI::App& app() { return *app_; }
    // The words that an option's value can be, where they are few.
    [[nodiscard]] Choices choices() const;
    // Reads the options that were given. Throws Misuse with everything that is wrong.
    int run();

private:
    void read(Complaints& complaints);

    PlannedFault fault_;
    TargetSpec scope_;
    std::optional<std::uint64_t> seed_;
    Keys keys_;
    std::string start_at_;
    bool json_ = false;
    CLI::App* app_;
};

}  // namespace blackstart
