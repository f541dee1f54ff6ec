#include "probes/unit.h"

#include <signal.h>
#include <sys/wait.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "injector/kernel/error.h"
#include "servers.h"

using namespace blackstart;
using namespace blackstart::testing;

namespace {

// A message bus of our own, at the place where the system's is looked for.
class Bus {
public:
    Bus() {
        char name[] = "/tmp/bus.XXXXXX";
        directory_ = ::mkdtemp(name);
        const auto path = directory_ + "/socket", config = directory_ + "/config";
        std::ofstream(config)
            << "<busconfig><type>session</type><auth>EXTERNAL</auth><listen>unix:path=" << path
            << "</listen><policy context=\"default\"><allow send_destination=\"*\"/><allow eavesdrop=\"true\"/><allow own=\"*\"/>"
               "</policy></busconfig>";
        ::setenv("DBUS_SYSTEM_BUS_ADDRESS", ("unix:path=" + path).c_str(), 1);
        pid_ = ::fork();
        if (pid_ == 0) {
            ::execlp("dbus-daemon", "dbus-daemon", "--nofork", "--nopidfile", ("--config-file=" + config).c_str(), nullptr);
            ::_exit(127);
        }
        for (int i = 0; i < 500 && !std::filesystem::exists(path); i++) std::this_thread::sleep_for(20ms);
        EXPECT_TRUE(std::filesystem::exists(path)) << "dbus-daemon did not start";
    }
    Bus(const Bus&) = delete;
    Bus& operator=(const Bus&) = delete;
    ~Bus() {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
        ::unsetenv("DBUS_SYSTEM_BUS_ADDRESS");
        std::filesystem::remove_all(directory_);
    }

private:
    std::string directory_;
    pid_t pid_ = -1;
};

int active_state(sd_bus*, const char* path, const char*, const char*, sd_bus_message* reply, void*, sd_bus_error*) {
    return sd_bus_message_append(reply, "s", std::string(path).ends_with("/nginx_2eservice") ? "active" : "inactive");
}

// Answers for systemd, as far as a unit probe asks.
class Systemd {
public:
    Systemd() {
        static const sd_bus_vtable unit[] = {SD_BUS_VTABLE_START(0),
                                             SD_BUS_PROPERTY("ActiveState", "s", active_state, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
                                             SD_BUS_VTABLE_END};
        EXPECT_GE(sd_bus_open_system(&bus_), 0);
        EXPECT_GE(sd_bus_add_fallback_vtable(bus_, nullptr, "/org/freedesktop/systemd1/unit", "org.freedesktop.systemd1.Unit", unit, found,
                                             nullptr),
                  0);
        EXPECT_GE(sd_bus_request_name(bus_, "org.freedesktop.systemd1", 0), 0);
        thread_ = std::thread([this] {
            while (!over_) {
                while (sd_bus_process(bus_, nullptr) > 0) continue;
                sd_bus_wait(bus_, 20'000);
            }
        });
    }
    Systemd(const Systemd&) = delete;
    Systemd& operator=(const Systemd&) = delete;
    ~Systemd() {
        over_ = true;
        thread_.join();
        sd_bus_close_unref(bus_);
    }

private:
    static int found(sd_bus*, const char*, const char*, void*, void** object, sd_bus_error*) {
        *object = nullptr;
        return 1;
    }

    sd_bus* bus_ = nullptr;
    std::atomic<bool> over_ = false;
    std::thread thread_;
};

TEST(UnitProbes, SeeTheStateThatSystemdTells) {
    const Bus bus;
    const Systemd systemd;
    const auto seen = Watched({probe(UnitProbe{"nginx", "active"}, 20ms, 2s), probe(UnitProbe{"gone.timer", "active"}, 20ms, 2s),
                               probe(UnitProbe{"gone.timer", "inactive"}, 20ms, 2s)},
                              300ms);
    ASSERT_GE(seen.of(0).size(), 3U);
    for (const auto& each : seen.of(0)) {
        EXPECT_TRUE(each.ok) << each.why;
        EXPECT_EQ(each.value, Value(std::string("active")));
    }
    for (const auto& each : seen.of(1)) {
        EXPECT_EQ(each.why, "inactive");
        EXPECT_EQ(each.value, Value(std::string("inactive")));
    }
    for (const auto& each : seen.of(2)) EXPECT_TRUE(each.ok) << each.why;
}

TEST(UnitProbes, FailWhileSystemdIsGoneAndGoOnWhenItIsBack) {
    const Bus bus;
    auto systemd = std::make_unique<Systemd>();
    Loop loop;
    std::vector<Observation> seen;
    Watch watch(loop, {probe(UnitProbe{"nginx", "active"}, 20ms, 1s)}, {Place{}}, [&](const Observation& each) { seen.push_back(each); });
    watch.start();
    const auto until = [&](bool ok) {
        seen.clear();
        const auto check = loop.every(Loop::now(), 10ms, [&](auto) {
            if (!seen.empty() && seen.back().ok == ok) loop.stop();
        });
        const auto limit = loop.at(Loop::now() + 20s, [&] { loop.stop(); });
        loop.run();
        return !seen.empty() && seen.back().ok == ok;
    };
    EXPECT_TRUE(until(true));
    systemd.reset();
    EXPECT_TRUE(until(false));
    systemd = std::make_unique<Systemd>();
    EXPECT_TRUE(until(true));
}

TEST(UnitProbes, AreRefusedWhereThereIsNoSystemd) {
    ::setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nowhere", 1);
    Loop loop;
    try {
        const Watch watch(loop, {probe(UnitProbe{"nginx", "active"})}, {Place{}}, [](const Observation&) {});
        ADD_FAILURE() << "it was made";
    } catch (const Unfit& error) {
        EXPECT_NE(std::string(error.what()).find("needs systemd"), std::string::npos) << error.what();
    }
    const Bus alone;
    EXPECT_THROW(const Watch watch(loop, {probe(UnitProbe{"nginx", "active"})}, {Place{}}, [](const Observation&) {}), Unfit);
}

}  // namespace
