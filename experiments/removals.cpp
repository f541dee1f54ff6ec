#include "experiments/removals.h"

#include <memory>

#include "injector/kernel/quiet_thread.h"

namespace blackstart {

void Removals::add(Spent spent) {
    using Task = std::packaged_task<std::vector<std::string>()>;
    const auto one = std::make_shared<Spent>(std::move(spent));
    const auto task = std::make_shared<Task>([this, one] {
        const std::scoped_lock alone(turn_);
        return take_away(std::move(*one));
    });
    auto left = task->get_future();
    all_.push_back({std::move(left), quiet_thread([task] { (*task)(); })});
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
