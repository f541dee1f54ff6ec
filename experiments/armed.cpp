#include "experiments/armed.h"

#include "experiments/clock.h"
#include "injector/claims.h"

namespace blackstart {
namespace {

constexpr std::chrono::seconds kPatience(5);  // with the kernel, which takes a namespace that died apart with all that is in it

LiveFault entry(const PlannedFault& fault, const Target& target, const std::string& target_name, const std::string& until) {
    LiveFault live;
    live.name = fault.name;
    live.kind = kind(fault.fault);
    live.target = target_name;
    live.netns_inode = target.netns_inode;
    for (const auto& interface : target.interfaces) live.interfaces.push_back(interface.name);
    live.cgroup = target.cgroup.path;
    live.until = until;
    live.claims = claims(fault.fault);
    return live;
}

}  // namespace

Spent spend(std::unique_ptr<Injection> injection) {
    Spent spent{std::move(injection), {}};
    spent.injection->footprint(spent.footprint);
    spent.injection->disarm();
    return spent;
}

std::vector<std::string> take_away(Spent spent) {
    spent.injection.reset();
    return spent.footprint.left(kPatience);
}

Armed::Armed(Registration& registration, const PlannedFault& fault, const Target& target, std::string target_name,
             std::unique_ptr<Injection> attached)
    : registration_(registration),
      fault_(fault.name),
      target_(std::move(target_name)),
      until_(wall_clock(fault.terms.duration)),
      injection_(std::move(attached)) {
    registration_.add(entry(fault, target, target_, until_));
    try {
        injection_->arm(target);
    } catch (...) {
        injection_.reset();
        registration_.remove(fault_, target_);
        throw;
    }
}

Armed::~Armed() {
    if (injection_) take_away(end().spent);
}

bool Armed::renew() {
    count();
    return injection_->renew();
}

void Armed::count() {
    const auto now = std::chrono::steady_clock::now();
    if (now < counted_ + std::chrono::seconds(1)) return;
    counted_ = now;
    const auto tally = injection_->tally();
    const auto delay = tally.delay.value_or(AppliedDelay{});
    registration_.count({fault_, target_, tally.hits, tally.matched, tally.dropped, delay.packets, delay.p50_ns, delay.p99_ns});
}

Armed::Ended Armed::end() {
    auto spent = spend(std::move(injection_));
    registration_.remove(fault_, target_);
    const auto tally = spent.injection->tally();
    return {tally, std::move(spent)};
}

}  // namespace blackstart
