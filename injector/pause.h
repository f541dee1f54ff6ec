// Processes that do not run, until the Pause goes.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "injector/kernel/guardian.h"
#include "injector/kernel/journal.h"
#include "injector/victims.h"

namespace blackstart {

class Tracer;

class Pause {
public:
    // `whole_cgroup`: the directory of a cgroup that holds the victims and nobody else, or "". Returns once they have stopped,
    // or after two seconds. A guardian watches from now on. Throws Unfit if none can be stopped.
    Pause(const std::vector<Victim>& victims, const std::string& whole_cgroup);
    ~Pause();  // they run again
    Pause(const Pause&) = delete;
    Pause& operator=(const Pause&) = delete;

    [[nodiscard]] std::size_t stopped() const { return stopped_; }  // how many processes
    [[nodiscard]] const char* how() const { return how_; }
    void footprint(Footprint& footprint) const;

private:
    void freeze(const std::string& directory, std::size_t processes);
    void stop(const std::vector<Victim>& victims);

    std::size_t stopped_ = 0;
    const char* how_ = "ptrace";
    std::unique_ptr<guardian::Watched> watched_;
    std::unique_ptr<Tracer> tracer_;
    std::vector<Journalled> journalled_;
};

}  // namespace blackstart
