#include "experiments/metering.h"

#include "probes/loop.h"

namespace blackstart {
namespace {

// Observation ends in time; this is for a loop that is late.
constexpr std::chrono::minutes kSpare{1};

}  // namespace

Metering::Metering(const Experiment& experiment, const std::map<std::string, Target>& targets) {
    const auto duration = experiment.baseline + experiment.duration + kSpare;
    for (const auto& planned : experiment.meters) {
        const Target& target = targets.at(target_of(planned));
        running_.push_back({&planned, &target, std::make_unique<Meter>(planned.plan, target, duration)});
    }
    for (auto& one : running_) one.since = Loop::now();
}

std::vector<Event> Metering::take(std::chrono::nanoseconds now) {
    std::vector<Event> taken;
    for (auto& one : running_) {
        if (!one.working) continue;
        const auto count = one.meter->count();
        taken.push_back({one.since, event::Counted{one.planned->name, count - one.counted, now - one.since}});
        one.counted = count;
        one.since = now;
    }
    return taken;
}

void Metering::renew() {
    for (auto& one : running_) one.working = one.meter->renew() && one.working;
}

std::vector<std::string> Metering::stop() {
    Footprint footprint;
    for (const auto& one : running_) one.meter->footprint(footprint);
    running_.clear();
    return footprint.left();
}

}  // namespace blackstart
