#include "probes/unit.h"

#include <poll.h>
#include <systemd/sd-bus.h>

#include <cstdlib>
#include <cstring>
#include <memory>

#include "injector/kernel/error.h"
#include "probes/runner.h"

namespace blackstart {

namespace {

constexpr const char* kSystemd = "org.freedesktop.systemd1";
constexpr std::uint64_t kPatience = 2'000'000;  // us, of the first question

struct BusFree {
    void operator()(sd_bus* bus) const { sd_bus_flush_close_unref(bus); }
};
struct SlotFree {
    void operator()(sd_bus_slot* slot) const { sd_bus_slot_unref(slot); }
};
struct MessageFree {
    void operator()(sd_bus_message* message) const { sd_bus_message_unref(message); }
};
using Slot = std::unique_ptr<sd_bus_slot, SlotFree>;

[[noreturn]] void no_systemd(const std::string& why) {
    throw Unfit("a unit probe needs systemd, reached over D-Bus: " + why, "run it where systemd and dbus are, or probe in another way");
}

// The connection that all unit probes share, on our loop.
class SystemBus {
public:
    // Waits for the answer that systemd is there, two seconds at most.
    explicit SystemBus(Surroundings& around) : loop_(around.loop) {
        if (const int error = open(); error < 0) no_systemd(std::strerror(-error));
        sd_bus_set_method_call_timeout(bus_.get(), kPatience);
        sd_bus_message* raw = nullptr;
        int there = 0;
        const int error = sd_bus_call_method(bus_.get(), "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
                                             "NameHasOwner", nullptr, &raw, "s", kSystemd);
        const std::unique_ptr<sd_bus_message, MessageFree> reply(raw);
        if (error < 0) no_systemd(std::strerror(-error));
        if (sd_bus_message_read(reply.get(), "b", &there) < 0 || there == 0) no_systemd("nobody there is " + std::string(kSystemd));
        watch();
    }
    SystemBus(const SystemBus&) = delete;
    SystemBus& operator=(const SystemBus&) = delete;

    // Asks for the unit's ActiveState. Empty if it cannot be asked; opens a connection that was lost again.
    Slot ask(const std::string& path, sd_bus_message_handler_t answered, void* data) {
        if (sd_bus_is_open(bus_.get()) <= 0) {
            io_.reset();
            if (open() < 0) return nullptr;
        }
        sd_bus_slot* slot = nullptr;
        sd_bus_call_method_async(bus_.get(), &slot, kSystemd, path.c_str(), "org.freedesktop.DBus.Properties", "Get", answered, data, "ss",
                                 "org.freedesktop.systemd1.Unit", "ActiveState");
        watch();
        return Slot(slot);
    }

private:
    int open() {
        sd_bus* bus = nullptr;
        const int error = sd_bus_open_system(&bus);
        bus_.reset(bus);
        return error;
    }

    void process() {
        while (sd_bus_process(bus_.get(), nullptr) > 0) continue;
        if (sd_bus_is_open(bus_.get()) > 0)
            watch();
        else
            io_.reset();
    }

    // sd_bus_get_fd(3): what it waits for changes with each call.
    void watch() {
        const int fd = sd_bus_get_fd(bus_.get()), events = sd_bus_get_events(bus_.get());
        if (fd < 0 || events < 0) return io_.reset();
        const auto wanted = static_cast<std::uint32_t>(events);  // poll's and epoll's are the same bits
        if (io_)
            io_.want(wanted);
        else
            io_ = loop_.io(fd, wanted, [this](std::uint32_t) { process(); });
        std::uint64_t due = 0;
        const bool timed = sd_bus_get_timeout(bus_.get(), &due) >= 0 && due != UINT64_MAX;
        timer_ = timed ? loop_.at(std::chrono::microseconds(due), [this] { process(); }) : Loop::Source();
    }

    Loop& loop_;
    std::unique_ptr<sd_bus, BusFree> bus_;
    Loop::Source io_, timer_;
};

std::string path_of(const std::string& unit) {
    char* path = nullptr;
    if (sd_bus_path_encode("/org/freedesktop/systemd1/unit", unit.c_str(), &path) < 0) throw Misuse("'" + unit + "' names no unit");
    const std::unique_ptr<char, decltype(&std::free)> owned(path, &std::free);
    return path;
}

class UnitRunner final : public Runner {
public:
    UnitRunner(const UnitProbe& probe, Surroundings& around)
        : bus(around.shared<SystemBus>()),
          path(path_of(probe.unit.find('.') == std::string::npos ? probe.unit + ".service" : probe.unit)),
          state(probe.state) {}
    std::unique_ptr<Attempt> begin(Tick& tick) override;

    SystemBus& bus;
    const std::string path, state;
};

class UnitAttempt final : public Attempt {
public:
    UnitAttempt(const UnitRunner& runner, Tick& tick) : runner_(runner), tick_(tick) {
        slot_ = runner.bus.ask(runner.path, on_answer, this);
        if (!slot_) tick_.finish(failed("systemd cannot be reached over D-Bus"));
    }

private:
    static int on_answer(sd_bus_message* answer, void* self, sd_bus_error*) {
        auto& attempt = *static_cast<UnitAttempt*>(self);
        attempt.tick_.finish(attempt.judge(answer));
        return 0;
    }

    [[nodiscard]] Outcome judge(sd_bus_message* answer) const {
        if (const auto* error = sd_bus_message_get_error(answer); error != nullptr)
            return failed(error->message == nullptr ? error->name : error->message);
        const char* state = nullptr;
        if (sd_bus_message_read(answer, "v", "s", &state) < 0) return failed("the answer is no state");
        return {runner_.state == state, runner_.state == state ? "" : state, Value(std::string(state))};
    }

    const UnitRunner& runner_;
    Tick& tick_;
    Slot slot_;
};

std::unique_ptr<Attempt> UnitRunner::begin(Tick& tick) { return std::make_unique<UnitAttempt>(*this, tick); }

}  // namespace

template <> std::unique_ptr<Runner> make_runner(const UnitProbe& probe, const Place&, Surroundings& around) {
    return std::make_unique<UnitRunner>(probe, around);
}

}  // namespace blackstart
