#include "probes/watch.h"

#include <sys/resource.h>

#include <algorithm>
#include <cmath>
#include <list>
#include <numbers>
#include <utility>

#include "probes/runner.h"

namespace blackstart {

using std::chrono::nanoseconds;

namespace {

constexpr rlim_t reserved_descriptors = 256;  // for the rest of the process

// How many observations the probes have in flight when nothing answers.
std::size_t most_needed(const std::vector<Probe>& probes) {
    std::size_t sum = 0;
    for (const auto& probe : probes) sum += std::min(most_in_flight_per_probe, static_cast<std::size_t>(probe.timeout / probe.every) + 1);
    return sum;
}

// Allows this process descriptors for so many observations, as far as the hard limit does; returns for how many it has them.
std::size_t allow_descriptors(std::size_t observations) {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    // Two each: libcurl tries both address families at once.
    const auto wanted = std::min<rlim_t>(limit.rlim_max, 2 * observations + reserved_descriptors);
    if (wanted > limit.rlim_cur) {
        const rlimit raised{wanted, limit.rlim_max};
        if (::setrlimit(RLIMIT_NOFILE, &raised) == 0) limit = raised;
    }
    return limit.rlim_cur > 2 * reserved_descriptors ? limit.rlim_cur - reserved_descriptors : reserved_descriptors;
}

// Spreads first ticks evenly, however many probes there are: multiples of the golden ratio, modulo one. In whole milliseconds: ten
// thousand a second wake the process a thousand times, not ten thousand times, which halves what they cost.
nanoseconds phase(std::size_t index, nanoseconds every) {
    const double turns = static_cast<double>(index) * std::numbers::phi;
    const nanoseconds exact(static_cast<std::int64_t>((turns - std::floor(turns)) * static_cast<double>(every.count())));
    return std::chrono::floor<std::chrono::milliseconds>(exact);
}

}  // namespace

struct Watch::Impl {
    struct Lane;

    struct Flight final : Tick {
        Flight(Impl& watch_, Lane& lane_, nanoseconds start_) : watch(watch_), lane(lane_), start(start_) {}
        void finish(Outcome outcome_) override {
            latency = Loop::now() - start;
            outcome = std::move(outcome_);
            if (!beginning) watch.land(*this);
        }

        Impl& watch;
        Lane& lane;
        nanoseconds start, latency{0};
        std::optional<Outcome> outcome;
        bool beginning = true;
        std::unique_ptr<Attempt> attempt;
        Loop::Source deadline;
        std::list<Flight>::iterator self;
    };

    struct Lane {
        std::size_t index = 0;
        nanoseconds every{0}, timeout{0};
        std::unique_ptr<Runner> runner;
        std::list<Flight> flights;
        Loop::Source ticks;
    };

    Impl(Loop& loop, std::function<void(const Observation&)> report_) : around(loop), report(std::move(report_)) {}

    void start();
    void begin(Lane& lane, nanoseconds due);
    void land(Flight& flight);
    void tell(const Lane& lane, nanoseconds start, nanoseconds latency, Outcome outcome) const;
    void drained_if_empty();

    Surroundings around;
    std::function<void(const Observation&)> report;
    std::function<void()> drained;
    Loop::Source last;
    std::size_t in_flight = 0, most_in_flight = 0;
    std::list<Lane> lanes;
};

void Watch::Impl::start() {
    const auto now = Loop::now();
    for (auto& lane : lanes)
        lane.ticks =
            around.loop.every(now + phase(lane.index, lane.every), lane.every, [this, &lane](nanoseconds due) { begin(lane, due); });
}

void Watch::Impl::begin(Lane& lane, nanoseconds due) {
    if (lane.flights.size() >= most_in_flight_per_probe || in_flight >= most_in_flight) {
        tell(lane, due, Loop::now() - due, failed("too many in flight"));
        return;
    }
    ++in_flight;
    auto& flight = lane.flights.emplace_back(*this, lane, due);
    flight.self = std::prev(lane.flights.end());
    flight.attempt = lane.runner->begin(flight);
    flight.beginning = false;
    if (flight.outcome) return land(flight);
    // A tick that this process began late still has its whole timeout: our own delay must not look like an outage.
    flight.deadline = around.loop.at(Loop::now() + lane.timeout, [&flight] { flight.finish(failed("timeout")); });
}

void Watch::Impl::land(Flight& flight) {
    auto& lane = flight.lane;
    const auto start = flight.start, latency = flight.latency;
    auto outcome = std::move(*flight.outcome);
    lane.flights.erase(flight.self);
    --in_flight;
    tell(lane, start, latency, std::move(outcome));
    drained_if_empty();
}

void Watch::Impl::tell(const Lane& lane, nanoseconds start, nanoseconds latency, Outcome outcome) const {
    Observation seen;
    seen.start = start;
    seen.probe = lane.index;
    seen.ok = outcome.ok;
    seen.why = std::move(outcome.why);
    seen.latency = latency;
    seen.value = std::move(outcome.value);
    report(seen);
}

void Watch::Impl::drained_if_empty() {
    if (!drained || in_flight != 0) return;
    last = around.loop.at(Loop::now(), std::exchange(drained, nullptr));
}

Watch::Watch(Loop& loop, const std::vector<Probe>& probes, const std::vector<Place>& places, std::function<void(const Observation&)> report)
    : impl_(std::make_unique<Impl>(loop, std::move(report))) {
    for (std::size_t i = 0; i < probes.size(); ++i) {
        auto& lane = impl_->lanes.emplace_back();
        lane.index = i;
        lane.every = probes[i].every;
        lane.timeout = probes[i].timeout;
        lane.runner = std::visit([&](const auto& kind) { return make_runner(kind, places[i], impl_->around); }, probes[i].kind);
    }
    impl_->most_in_flight = allow_descriptors(most_needed(probes));
}

Watch::~Watch() = default;

void Watch::start() { impl_->start(); }

void Watch::drain(std::function<void()> drained) {
    for (auto& lane : impl_->lanes) lane.ticks.reset();
    impl_->drained = std::move(drained);
    impl_->drained_if_empty();
}

}  // namespace blackstart
