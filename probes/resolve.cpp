#include "probes/resolve.h"

#include <sys/socket.h>

#include <algorithm>

#include "probes/children.h"
#include "probes/runner.h"

namespace blackstart {

namespace {

int family_of(ResolveProbe::Family family) {
    if (family == ResolveProbe::Family::any) return AF_UNSPEC;
    return family == ResolveProbe::Family::ipv4 ? AF_INET : AF_INET6;
}

Outcome judge(Lookup lookup) {
    Outcome outcome{lookup.failure.empty(), std::move(lookup.failure), std::nullopt};
    if (!outcome.ok && !lookup.no_such_name) return outcome;
    std::sort(lookup.addresses.begin(), lookup.addresses.end());
    outcome.value = std::move(lookup.addresses);
    return outcome;
}

class ResolveAttempt final : public Attempt {
public:
    ResolveAttempt(Children& children, const ResolveProbe& probe, const Place& place, Tick& tick)
        : child_(children.look_up(place, probe.name, family_of(probe.family),
                                  [&tick](Lookup lookup) { tick.finish(judge(std::move(lookup))); })) {}

private:
    std::unique_ptr<Children::Child> child_;
};

class ResolveRunner final : public Runner {
public:
    ResolveRunner(const ResolveProbe& probe, const Place& place, Surroundings& around)
        : probe_(probe), place_(place), children_(around.shared<Children>()) {}
    std::unique_ptr<Attempt> begin(Tick& tick) override { return std::make_unique<ResolveAttempt>(children_, probe_, place_, tick); }

private:
    ResolveProbe probe_;
    Place place_;
    Children& children_;
};

}  // namespace

template <> std::unique_ptr<Runner> make_runner(const ResolveProbe& probe, const Place& place, Surroundings& around) {
    return std::make_unique<ResolveRunner>(probe, place, around);
}

}  // namespace blackstart
