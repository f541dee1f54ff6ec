// Taking away what acts no more, while the loop goes on with its probes: the kernel takes its time for it.
#pragma once

#include <future>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "experiments/armed.h"

namespace blackstart {

class Removals {
public:
    Removals() = default;
    ~Removals() { finish(); }
    Removals(const Removals&) = delete;
    Removals& operator=(const Removals&) = delete;

    // Begins, on a thread of its own; one after the other.
    void add(Spent spent);
    // Waits for all. Returns what is still there of ours; empty: nothing.
    std::vector<std::string> finish();

private:
    struct Removal {
        std::future<std::vector<std::string>> left;
        std::thread thread;
    };
    std::mutex turn_;
    std::vector<Removal> all_;
};

}  // namespace blackstart
