#include "probes/loop.h"

#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <map>
#include <vector>

#include "injector/kernel/error.h"
#include "injector/kernel/unique_fd.h"

// Plain epoll rather than sd-event: that one asks the kernel again after each callback, which ten thousand probes a second
// would pay for, cannot run twice, and is C, through which an exception must not pass.
namespace blackstart {

using std::chrono::nanoseconds;
using Impl = Loop::Source::Impl;

namespace {
constexpr int batch = 256;  // timers, and events, before the other kind has its turn
}

struct Loop::Core {
    // Events already fetched may speak of a descriptor that was dropped since: the generation tells.
    struct Slot {
        Impl* impl = nullptr;
        std::uint32_t generation = 0;
    };

    unique_fd epoll;
    std::multimap<nanoseconds, Impl*> timers;
    std::vector<Slot> slots;  // by descriptor
    bool stopped = false;

    void watch(int fd, std::uint32_t events, Impl& impl);
    void forget(int fd);
    void dispatch_timers();
    void dispatch_events();
};

struct Loop::Source::Impl : std::enable_shared_from_this<Loop::Source::Impl> {
    explicit Impl(std::shared_ptr<Core> core_) : core(std::move(core_)) {}
    // The Impl itself may live on, until its callback has returned.
    void cancel() {
        if (waiting) core->timers.erase(timer);
        waiting = false;
        if (fd >= 0) core->forget(fd);
        fd = -1;
    }

    std::shared_ptr<Core> core;
    std::function<void()> once;
    std::function<void(nanoseconds)> tick;
    std::function<void(std::uint32_t)> ready;
    nanoseconds period{0};
    std::multimap<nanoseconds, Impl*>::iterator timer;
    bool waiting = false;  // `timer` is in the map
    unique_fd own;         // of a signal
    int fd = -1;
};

namespace {

epoll_event event_of(int fd, std::uint32_t generation, std::uint32_t events) {
    epoll_event event{};
    event.events = events;
    event.data.u64 = std::uint64_t{generation} << 32 | static_cast<std::uint32_t>(fd);
    return event;
}

}  // namespace

void Loop::Core::watch(int fd, std::uint32_t events, Impl& impl) {
    const auto index = static_cast<std::size_t>(fd);
    if (slots.size() <= index) slots.resize(index * 2 + 16);
    auto& slot = slots[index];
    auto event = event_of(fd, slot.generation + 1, events);
    if (::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, fd, &event) != 0) throw_errno("cannot watch a descriptor", errno);
    slot = {&impl, slot.generation + 1};
    impl.fd = fd;
}

void Loop::Core::forget(int fd) {
    slots[static_cast<std::size_t>(fd)].impl = nullptr;
    ::epoll_ctl(epoll.get(), EPOLL_CTL_DEL, fd, nullptr);
}

void Loop::Core::dispatch_timers() {
    const auto moment = Loop::now();
    for (int n = 0; n < batch && !stopped && !timers.empty() && timers.begin()->first <= moment; ++n) {
        const auto due = timers.begin()->first;
        // A callback may drop its own source: it is held until that has returned.
        const auto impl = timers.begin()->second->shared_from_this();
        auto node = timers.extract(timers.begin());
        if (impl->tick) {
            node.key() = due + impl->period;
            impl->timer = timers.insert(std::move(node));
            impl->tick(due);
        } else {
            impl->waiting = false;
            impl->once();
        }
    }
}

void Loop::Core::dispatch_events() {
    timespec wait{};
    if (!timers.empty()) {
        const auto left = std::max(timers.begin()->first - Loop::now(), nanoseconds(0));
        wait = {left.count() / 1'000'000'000, left.count() % 1'000'000'000};
    }
    std::array<epoll_event, batch> events;
    const int count = ::epoll_pwait2(epoll.get(), events.data(), batch, timers.empty() ? nullptr : &wait, nullptr);
    if (count < 0 && errno != EINTR) throw_errno("event loop", errno);
    for (int i = 0; i < count && !stopped; ++i) {
        const auto data = events[static_cast<std::size_t>(i)].data.u64;
        const auto& slot = slots[static_cast<std::uint32_t>(data)];
        if (slot.impl == nullptr || slot.generation != data >> 32) continue;
        const auto impl = slot.impl->shared_from_this();
        impl->ready(events[static_cast<std::size_t>(i)].events);
    }
}

Loop::Source& Loop::Source::operator=(Source&& other) noexcept {
    if (this == &other) return *this;
    reset();
    impl_ = std::move(other.impl_);
    return *this;
}

void Loop::Source::reset() {
    if (impl_) impl_->cancel();
    impl_.reset();
}

void Loop::Source::want(std::uint32_t events) {
    auto event = event_of(impl_->fd, impl_->core->slots[static_cast<std::size_t>(impl_->fd)].generation, events);
    if (::epoll_ctl(impl_->core->epoll.get(), EPOLL_CTL_MOD, impl_->fd, &event) != 0) throw_errno("cannot watch a descriptor", errno);
}

Loop::Loop() : core_(std::make_shared<Core>()) {
    core_->epoll.reset(::epoll_create1(EPOLL_CLOEXEC));
    if (!core_->epoll) throw_errno("cannot make an event loop", errno);
}

nanoseconds Loop::now() {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return std::chrono::seconds(now.tv_sec) + nanoseconds(now.tv_nsec);
}

Loop::Source Loop::at(nanoseconds when, std::function<void()> call) {
    auto impl = std::make_shared<Impl>(core_);
    impl->once = std::move(call);
    impl->timer = core_->timers.emplace(when, impl.get());
    impl->waiting = true;
    return Source(std::move(impl));
}

Loop::Source Loop::every(nanoseconds first, nanoseconds period, std::function<void(nanoseconds)> call) {
    auto impl = std::make_shared<Impl>(core_);
    impl->tick = std::move(call);
    impl->period = period;
    impl->timer = core_->timers.emplace(first, impl.get());
    impl->waiting = true;
    return Source(std::move(impl));
}

Loop::Source Loop::io(int fd, std::uint32_t events, std::function<void(std::uint32_t)> call) {
    auto impl = std::make_shared<Impl>(core_);
    impl->ready = std::move(call);
    core_->watch(fd, events, *impl);
    return Source(std::move(impl));
}

Loop::Source Loop::signal(int number, std::function<void()> call) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, number);
    if (const int error = ::pthread_sigmask(SIG_BLOCK, &set, nullptr); error != 0) throw_errno("cannot block a signal", error);
    auto impl = std::make_shared<Impl>(core_);
    impl->own.reset(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
    if (!impl->own) throw_errno("cannot wait for a signal", errno);
    impl->ready = [fd = impl->own.get(), call = std::move(call)](std::uint32_t) {
        signalfd_siginfo info{};
        if (::read(fd, &info, sizeof info) == sizeof info) call();
    };
    core_->watch(impl->own.get(), EPOLLIN, *impl);
    return Source(std::move(impl));
}

void Loop::run() {
    while (!core_->stopped) {
        core_->dispatch_timers();
        if (!core_->stopped) core_->dispatch_events();
    }
    core_->stopped = false;
}

void Loop::stop() { core_->stopped = true; }

int waiting_signal() {
    sigset_t waiting;
    if (::sigpending(&waiting) != 0) return 0;
    for (const int number : {SIGTERM, SIGINT, SIGHUP})
        if (::sigismember(&waiting, number) == 1) return number;
    return 0;
}

}  // namespace blackstart
