#include "experiments/removals.h"

#include <utility>

#include "injector/kernel/quiet_thread.h"

namespace blackstart {

void Removals::add(Spent spent) {
    std::packaged_task<std::vector<std::string>()> task([this, spent = std::move(spent)]() mutable {
        const std::scoped_lock alone(turn_);
        return take_away(std::move(spent));
    });
    auto left = task.get_future();
    all_.push_back({std::move(left), quiet_thread(std::move(task))});
}

std::vector<std::string> Removals::finish() {
    std::vector<std::string> all;
    for (auto& removal : all_) {
        removal.thread.join();
        for (auto& what : removal.left.get()) all.push_back(std::move(what));
    }
    all_.clear();
    return all;
}

}  // namespace blackstart
