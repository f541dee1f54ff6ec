#include "injector/registry.h"

#include <sys/wait.h>

#include <csignal>
#include <filesystem>

#include "injector/kernel/error.h"
#include "tests/unit/private_run.h"

namespace blackstart {
namespace {

using testing::Test;

LiveFault fault(const std::string& name, std::uint64_t netns, std::vector<std::string> claims) {
    LiveFault fault;
    fault.name = name;
    fault.kind = "dns";
    fault.netns_inode = netns;
    fault.until = "2026-11-23T06:31:09Z";
    fault.claims = std::move(claims);
    return fault;
}

// Another process that is registered with one fault, until it goes.
class Other {
public:
    explicit Other(const LiveFault& with) {
        int ready[2];
        if (::pipe(ready) != 0) std::abort();
        pid_ = ::fork();
        if (pid_ == 0) {
            Registration registration("other command");
            registration.add(with);
            if (::write(ready[1], "", 1) != 1) ::_exit(1);
            for (;;) ::pause();
        }
        char byte = 0;
        if (::read(ready[0], &byte, 1) != 1) std::abort();
        ::close(ready[0]);
        ::close(ready[1]);
    }
    ~Other() { kill(); }
    void kill() {
        if (pid_ == 0) return;
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
        pid_ = 0;
    }
    [[nodiscard]] pid_t pid() const { return pid_; }

private:
    pid_t pid_ = 0;
};

class Registry : public PrivateRun {};

TEST_F(Registry, ShowsWhatOtherProcessesInject) {
    const Other other(fault("empty", 7, {"dns:db.test:53"}));
    const auto live = live_processes();
    ASSERT_EQ(live.size(), 1U);
    EXPECT_EQ(live[0].pid, other.pid());
    EXPECT_EQ(live[0].command, "other command");
    ASSERT_EQ(live[0].faults.size(), 1U);
    EXPECT_EQ(live[0].faults[0].name, "empty");
    EXPECT_EQ(live[0].faults[0].until, "2026-11-23T06:31:09Z");
}

TEST_F(Registry, ShowsWhatAFaultHasDoneSoFarAndForgetsItWithTheFault) {
    int ready[2];
    ASSERT_EQ(::pipe(ready), 0);
    const pid_t other = ::fork();
    if (other == 0) {
        Registration registration("other command");
        registration.add(fault("slow", 7, {}));
        registration.count({"slow", "", 3, 4, 0, 3, 20'000'000, 21'000'000});
        registration.count({"slow", "", 5, 9, 1, 5, 20'000'000, 22'000'000});
        if (::write(ready[1], "", 1) != 1) ::_exit(1);
        for (;;) ::pause();
    }
    char byte = 0;
    ASSERT_EQ(::read(ready[0], &byte, 1), 1);
    const auto live = live_processes();
    ASSERT_EQ(live.size(), 1U);
    ASSERT_EQ(live[0].counts.size(), 1U);
    EXPECT_EQ(live[0].counts[0].hits, 5U);
    EXPECT_EQ(live[0].counts[0].delay_p99_ns, 22'000'000U);
    ::kill(other, SIGKILL);
    ::waitpid(other, nullptr, 0);
    EXPECT_TRUE(live_processes().empty());
    EXPECT_FALSE(std::filesystem::exists("/run/blackstart/" + std::to_string(other) + ".json.counts"));
}

TEST_F(Registry, RefusesAClaimOfALivingProcessInTheSameNamespaceAndNamesIt) {
    Other other(fault("empty", 7, {"dns:*.test:53"}));
    Registration self("self");
    try {
        self.add(fault("mine", 7, {"dns:db.test:53"}));
        FAIL() << "two faults on one name";
    } catch (const Unfit& unfit) {
        EXPECT_NE(std::string(unfit.what()).find(std::to_string(other.pid())), std::string::npos) << unfit.what();
        EXPECT_NE(std::string(unfit.what()).find("other command"), std::string::npos) << unfit.what();
    }
    self.add(fault("elsewhere", 8, {"dns:db.test:53"}));
    other.kill();
    self.add(fault("mine", 7, {"dns:db.test:53"}));
}

TEST_F(Registry, LetsFaultsOnOtherInterfacesAndInOtherCgroupsBe) {
    auto theirs = fault("empty", 7, {"dns:db.test:53"}), ours = fault("mine", 7, {"dns:db.test:53"});
    theirs.interfaces = {"eth0", "lo"};
    theirs.cgroup = "system.slice/web.service";
    const Other other(theirs);
    Registration self("self");
    ours.interfaces = {"eth1"};
    self.add(ours);
    ours.interfaces = {"eth1", "eth0"};
    ours.cgroup = "system.slice/web";
    self.add(ours);
    for (const auto* cgroup : {"system.slice", "system.slice/web.service/a", ""}) {
        ours.cgroup = cgroup;
        EXPECT_THROW(self.add(ours), Unfit) << cgroup;
    }
}

TEST_F(Registry, LetsFaultsOfOneProcessAndNetworkKindsBe) {
    const Other other(fault("slow", 7, {}));
    Registration self("self");
    self.add(fault("slow", 7, {}));
    self.add(fault("a", 7, {"dns:db.test:53"}));
    self.add(fault("b", 7, {"dns:db.test:53"}));
}

TEST_F(Registry, ForgetsAKilledProcessAndRemovesItsFile) {
    Other other(fault("empty", 7, {}));
    const auto path = "/run/blackstart/" + std::to_string(other.pid()) + ".json";
    EXPECT_TRUE(std::filesystem::exists(path));
    other.kill();
    EXPECT_TRUE(live_processes().empty());
    EXPECT_FALSE(std::filesystem::exists(path));
}

TEST_F(Registry, AForkedChildDoesNotKeepItsDeadParentAlive) {
    int ready[2];
    ASSERT_EQ(::pipe(ready), 0);
    const pid_t parent = ::fork();
    if (parent == 0) {
        const Registration registration("parent");
        const pid_t child = ::fork();
        if (child == 0)
            for (;;) ::pause();
        if (::write(ready[1], &child, sizeof child) != sizeof child) ::_exit(1);
        for (;;) ::pause();
    }
    pid_t child = 0;
    ASSERT_EQ(::read(ready[0], &child, sizeof child), static_cast<ssize_t>(sizeof child));
    EXPECT_EQ(live_processes().size(), 1U);
    ::kill(parent, SIGKILL);
    ::waitpid(parent, nullptr, 0);
    EXPECT_TRUE(live_processes().empty());
    ::kill(child, SIGKILL);
}

TEST_F(Registry, RemovesAFaultAndThenItsRow) {
    const auto path = "/run/blackstart/" + std::to_string(::getpid()) + ".json";
    {
        Registration self("self");
        self.add(fault("mine", 7, {"dns:db.test:53"}));
        self.remove("mine", "");
        EXPECT_TRUE(std::filesystem::exists(path));
    }
    EXPECT_FALSE(std::filesystem::exists(path));
}

}  // namespace
}  // namespace blackstart
