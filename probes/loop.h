// The one event loop of a process: timers, descriptors, signals. No thread per probe.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>

namespace blackstart {

class Loop {
public:
    // A registration: the callback is called while it lives; dropping it (also from inside its own callback) is the end of it.
    class Source {
    public:
        struct Impl;
        Source() = default;
        explicit Source(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
        Source(Source&&) noexcept = default;
        Source& operator=(Source&& other) noexcept;
        ~Source() { reset(); }
        explicit operator bool() const { return impl_ != nullptr; }
        void reset();
        // Of io() only: the epoll events that it waits for from now on.
        void want(std::uint32_t events);

    private:
        std::shared_ptr<Impl> impl_;
    };

    // Throws Unfit where the kernel gives no epoll descriptor.
    Loop();
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;

    // CLOCK_MONOTONIC.
    [[nodiscard]] static std::chrono::nanoseconds now();
    // Once, at a time of CLOCK_MONOTONIC (at once if it is past). Accurate to the timer slack, never early.
    [[nodiscard]] Source at(std::chrono::nanoseconds when, std::function<void()> call);
    // Every `period` (positive), at first + n·period, without drift. A late loop makes up for each missed tick: none is lost.
    [[nodiscard]] Source every(std::chrono::nanoseconds first, std::chrono::nanoseconds period,
                               std::function<void(std::chrono::nanoseconds due)> call);
    // Level-triggered epoll events of a descriptor that is not owned. One source a descriptor; drop it before the descriptor is closed.
    [[nodiscard]] Source io(int fd, std::uint32_t events, std::function<void(std::uint32_t events)> call);
    // Blocks the signal for the calling thread (and its later ones and children) and calls instead. It stays blocked.
    [[nodiscard]] Source signal(int number, std::function<void()> call);

    // Until stop(); can be called again after that. What a callback throws comes out here.
    void run();
    // run() returns after the present callback; before run(), the next one returns at once.
    void stop();

private:
    struct Core;
    std::shared_ptr<Core> core_;  // shared with the sources, which may outlive the loop
};

// SIGINT, SIGTERM or SIGHUP that has come and waits for a loop which has a source for it; 0: none has. For those who cannot go round.
int waiting_signal();

}  // namespace blackstart
