// Inside probes/: how a kind is run. A new kind is a struct in <kind>.h, its entry in ProbeKind (probe.h), and a
// <kind>.cpp that defines make_runner for it; a kind that has none does not link.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <typeindex>

#include "probes/loop.h"
#include "probes/observation.h"
#include "probes/place.h"

namespace blackstart {

// What became of one observation.
struct Outcome {
    bool ok = false;
    std::string why;             // when not ok
    std::optional<Value> value;  // only where a reply came
};

inline Outcome failed(std::string why) { return {false, std::move(why), std::nullopt}; }

// One tick's observation, as its kind sees it.
class Tick {
public:
    // To be called exactly once, in the loop: the reply is in, or none will come. It destroys the attempt (unless begin() has
    // not returned yet), so it is the last thing that an attempt does.
    virtual void finish(Outcome outcome) = 0;

protected:
    ~Tick() = default;
};

// An observation under way: owns its socket, its sources, its child. Destroying it gives up, at once and without a trace:
// that is how the watch ends what has timed out.
class Attempt {
public:
    Attempt() = default;
    Attempt(const Attempt&) = delete;
    Attempt& operator=(const Attempt&) = delete;
    virtual ~Attempt() = default;
};

// One probe.
class Runner {
public:
    Runner() = default;
    Runner(const Runner&) = delete;
    Runner& operator=(const Runner&) = delete;
    virtual ~Runner() = default;
    // Starts an observation, whatever is in flight; never blocks. Null if it has called finish() already. A runner outlives
    // its attempts. Failures are outcomes, not exceptions.
    virtual std::unique_ptr<Attempt> begin(Tick& tick) = 0;
};

// What the runners of one watch have in common.
class Surroundings {
public:
    explicit Surroundings(Loop& loop_) : loop(loop_) {}

    Loop& loop;

    // The one T of the watch, made by T(Surroundings&) when it is first asked for. Ask in a runner's constructor: the watch
    // is made before any fault is armed, and what is made here may be a process.
    template <class T> T& shared() {
        auto& slot = shared_[typeid(T)];
        if (!slot) slot = std::make_shared<T>(*this);
        return *static_cast<T*>(slot.get());
    }

private:
    std::map<std::type_index, std::shared_ptr<void>> shared_;
};

// Throws Misuse for a probe that cannot be, Unfit for one that cannot be run here.
template <class Kind> std::unique_ptr<Runner> make_runner(const Kind& probe, const Place& place, Surroundings& around);

}  // namespace blackstart
