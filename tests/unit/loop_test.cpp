#include "probes/loop.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <stdexcept>
#include <thread>
#include <vector>

#include "injector/kernel/unique_fd.h"

using namespace blackstart;
using namespace std::chrono_literals;

namespace {

// An eventfd that is always readable.
unique_fd ready() { return unique_fd(::eventfd(1, EFD_CLOEXEC)); }

TEST(Loop, CallsATimerOnceAndNeverEarly) {
    Loop loop;
    int calls = 0;
    const auto due = Loop::now() + 20ms;
    std::chrono::nanoseconds called{0};
    const auto timer = loop.at(due, [&] { ++calls, called = Loop::now(); });
    const auto end = loop.at(due + 20ms, [&] { loop.stop(); });
    loop.run();
    EXPECT_EQ(calls, 1);
    EXPECT_GE(called, due);
}

TEST(Loop, CallsTimersInTheOrderInWhichTheyAreDue) {
    Loop loop;
    std::vector<int> order;
    const auto now = Loop::now();
    const auto last = loop.at(now + 2ms, [&] { order.push_back(2), loop.stop(); });
    const auto past = loop.at(now - 1s, [&] { order.push_back(0); });
    const auto middle = loop.at(now + 1ms, [&] { order.push_back(1); });
    loop.run();
    EXPECT_EQ(order, (std::vector{0, 1, 2}));
}

TEST(Loop, MakesUpForTicksThatItMissed) {
    Loop loop;
    const auto first = Loop::now();
    std::vector<std::chrono::nanoseconds> dues;
    const auto ticks = loop.every(first, 10ms, [&](std::chrono::nanoseconds due) {
        if (dues.empty()) std::this_thread::sleep_for(55ms);
        dues.push_back(due);
        if (dues.size() == 8) loop.stop();
    });
    loop.run();
    ASSERT_EQ(dues.size(), 8U);
    for (std::size_t n = 0; n < dues.size(); ++n) EXPECT_EQ(dues[n], first + n * 10ms);
    EXPECT_GE(Loop::now(), dues.back());
}

TEST(Loop, LetsASourceDropItselfInItsOwnCallback) {
    Loop loop;
    int timers = 0, ticks = 0, events = 0;
    const auto fd = ready();
    Loop::Source timer, tick, event;
    timer = loop.at(Loop::now(), [&] { timer.reset(), ++timers; });
    tick = loop.every(Loop::now(), 1ms, [&](auto) { tick.reset(), ++ticks; });
    event = loop.io(fd.get(), EPOLLIN, [&](auto) { event.reset(), ++events; });
    const auto end = loop.at(Loop::now() + 20ms, [&] { loop.stop(); });
    loop.run();
    EXPECT_EQ(timers, 1);
    EXPECT_EQ(ticks, 1);
    EXPECT_EQ(events, 1);
}

TEST(Loop, ForgetsASourceThatAnotherDroppedWhileBothWereReady) {
    Loop loop;
    const auto a = ready(), b = ready();
    Loop::Source first, second;
    int calls = 0;
    first = loop.io(a.get(), EPOLLIN, [&](auto) { ++calls, second.reset(), first.reset(), loop.stop(); });
    second = loop.io(b.get(), EPOLLIN, [&](auto) { ++calls, first.reset(), second.reset(), loop.stop(); });
    loop.run();
    EXPECT_EQ(calls, 1);
}

TEST(Loop, DoesNotTakeANewDescriptorForAnOldOneOfItsNumber) {
    Loop loop;
    auto a = ready(), b = ready();
    int others = 0;
    unique_fd replacement;
    std::vector<Loop::Source> sources(3);
    // Whichever comes first closes the other's descriptor and opens one of the same number that is not ready.
    const auto swap = [&](std::size_t self, std::size_t other, unique_fd& fd) {
        if (sources[2]) return;
        const int number = fd.get();
        sources[other].reset();
        fd.reset();
        replacement.reset(::eventfd(0, EFD_CLOEXEC));
        ASSERT_EQ(replacement.get(), number);
        sources[2] = loop.io(number, EPOLLIN, [&](auto) { ++others; });
        sources[self].reset();
    };
    sources[0] = loop.io(a.get(), EPOLLIN, [&](auto) { swap(0, 1, b); });
    sources[1] = loop.io(b.get(), EPOLLIN, [&](auto) { swap(1, 0, a); });
    const auto end = loop.at(Loop::now() + 10ms, [&] { loop.stop(); });
    loop.run();
    EXPECT_EQ(others, 0);
}

TEST(Loop, WaitsForTheEventsThatAreWantedNow) {
    Loop loop;
    const auto fd = ready();
    std::uint32_t seen = 0;
    auto source = loop.io(fd.get(), 0, [&](std::uint32_t events) { seen = events, loop.stop(); });
    const auto later = loop.at(Loop::now() + 5ms, [&] {
        EXPECT_EQ(seen, 0U);
        source.want(EPOLLOUT);
    });
    loop.run();
    EXPECT_EQ(seen, static_cast<std::uint32_t>(EPOLLOUT));
}

TEST(Loop, RunsAgainAfterItWasStopped) {
    Loop loop;
    int runs = 0;
    for (int i = 0; i < 2; ++i) {
        const auto timer = loop.at(Loop::now(), [&] { ++runs, loop.stop(); });
        loop.run();
    }
    EXPECT_EQ(runs, 2);
}

TEST(Loop, CallsForASignalInsteadOfDyingOfIt) {
    Loop loop;
    int signals = 0;
    const auto source = loop.signal(SIGUSR1, [&] { ++signals, loop.stop(); });
    const auto raise = loop.at(Loop::now(), [] { ::kill(::getpid(), SIGUSR1); });
    const auto guard = loop.at(Loop::now() + 5s, [&] { loop.stop(); });
    loop.run();
    EXPECT_EQ(signals, 1);
}

TEST(Loop, LetsExceptionsOut) {
    Loop loop;
    const auto timer = loop.at(Loop::now(), [] { throw std::runtime_error("out"); });
    EXPECT_THROW(loop.run(), std::runtime_error);
}

TEST(Loop, DoesNotStarveDescriptorsWhileManyTicksAreMissed) {
    Loop loop;
    const auto fd = ready();
    int ticks = 0, ticks_before_event = 0;
    const auto tick = loop.every(Loop::now() - 1s, 10us, [&](auto) { ++ticks; });
    const auto event = loop.io(fd.get(), EPOLLIN, [&](auto) { ticks_before_event = ticks, loop.stop(); });
    loop.run();
    EXPECT_LT(ticks_before_event, 10'000);
}

TEST(Loop, OutlivedByASourceIsNoHarm) {
    Loop::Source timer, event;
    const auto fd = ready();
    {
        Loop loop;
        timer = loop.at(Loop::now(), [] {});
        event = loop.io(fd.get(), EPOLLIN, [](auto) {});
    }
    timer.reset();
    event.reset();
}

}  // namespace
