// Law 3: a second, tiny process that undoes the journal when this one dies, and ends this one when it no longer works. It
// runs only while something is journalled. It is this program again (`blackstart guardian PID LEASE_MS`, through
// /proc/self/exe), in its own session and in the root cgroup, so that whoever kills our session, unit or cgroup leaves it
// alive; it holds its pipe and a pidfd of this process, and so keeps no fault in force.
#pragma once

#include <chrono>

namespace blackstart::guardian {

// Starts it unless it runs. From now on the working loop must beat at least once a lease, or this process is SIGKILLed.
// Each watch() is one reason for it to run, taken back by one dismiss(). Throws Unfit.
void watch(std::chrono::milliseconds lease = std::chrono::seconds(2));

// Called by the working loop at each renewal. Does nothing while no guardian is wanted; starts it again if it was killed.
void beat();

// One reason less; with the last one it ends. Waits for its exit, a second at most.
void dismiss() noexcept;

// A reason for as long as it lives, where nothing is journalled: what is in force ends with this process, but not when it stops.
class Watched {
public:
    Watched() { watch(); }
    ~Watched() { dismiss(); }
    Watched(const Watched&) = delete;
    Watched& operator=(const Watched&) = delete;
};

}  // namespace blackstart::guardian

namespace blackstart {

// What main() calls for the hidden command `guardian`, with its own argc and argv. Returns the exit code.
int guardian_main(int argc, char** argv);

}  // namespace blackstart
