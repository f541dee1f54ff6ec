#include "injector/kernel/journal.h"

#include <sys/wait.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <thread>

#include "injector/kernel/cgroup.h"
#include "injector/kernel/error.h"
#include "injector/kernel/guardian.h"
#include "injector/kernel/netns.h"
#include "tests/unit/private_run.h"

namespace blackstart {
namespace {

using namespace std::chrono_literals;

const std::string kKey = "net/ipv4/conf/lo/route_localnet";

std::string value(int netns) {
    const InNetns inside(netns);
    std::ifstream file("/proc/sys/" + kKey);
    std::string text;
    file >> text;
    return text;
}

void write(int netns, const std::string& text) {
    const InNetns inside(netns);
    std::ofstream("/proc/sys/" + kKey) << text << std::flush;
}

bool eventually(const std::function<bool()>& holds, std::chrono::milliseconds within = 8s) {
    const auto until = std::chrono::steady_clock::now() + within;
    while (!holds()) {
        if (std::chrono::steady_clock::now() > until) return false;
        std::this_thread::sleep_for(5ms);
    }
    return true;
}

std::size_t records() {
    std::error_code ignored;
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator("/run/blackstart/journal", ignored))
        if (entry.path().extension() == ".json") count++;
    return count;
}

// A process that has set the sysctl and then beats, or not, until it is killed.
class Changer {
public:
    Changer(int netns, bool beats) {
        int done[2];
        if (::pipe(done) != 0) std::abort();
        pid_ = ::fork();
        if (pid_ == 0) {
            const auto journalled = set_sysctl(netns, kKey, "1");
            if (::write(done[1], "", 1) != 1) ::_exit(1);
            for (;; std::this_thread::sleep_for(100ms))
                if (beats) guardian::beat();
        }
        char byte = 0;
        ::close(done[1]);
        if (::read(done[0], &byte, 1) != 1) std::abort();
        ::close(done[0]);
    }
    ~Changer() { kill(); }
    void kill() {
        if (pid_ == 0) return;
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
        pid_ = 0;
    }
    // How it ended: its signal, or 0.
    int ended() {
        int status = 0;
        if (::waitpid(pid_, &status, 0) == pid_) pid_ = 0;
        return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    }
    void stop() const { ::kill(pid_, SIGSTOP); }
    // SIGKILLs its guardian: the one child it has.
    void kill_guardian() const {
        std::ifstream file("/proc/" + std::to_string(pid_) + "/task/" + std::to_string(pid_) + "/children");
        pid_t child = 0;
        ASSERT_TRUE(file >> child);
        ::kill(child, SIGKILL);
    }

private:
    pid_t pid_ = 0;
};

class Journal : public PrivateRun {
protected:
    void SetUp() override {
        PrivateRun::SetUp();
        if (!IsSkipped()) netns_ = make_netns();
    }
    [[nodiscard]] int netns() const { return netns_.get(); }
    [[nodiscard]] unique_fd take() { return std::move(netns_); }

private:
    unique_fd netns_;
};

TEST_F(Journal, SetsASysctlAndPutsItBack) {
    {
        const auto journalled = set_sysctl(netns(), kKey, "1");
        EXPECT_EQ(value(netns()), "1");
        EXPECT_EQ(records(), 1U);
        Footprint footprint;
        journalled.footprint(footprint);
        EXPECT_EQ(footprint.left(0ms).size(), 1U);
    }
    EXPECT_EQ(value(netns()), "0");
    EXPECT_EQ(records(), 0U);
}

TEST_F(Journal, LeavesAloneWhatSomebodyChangedSince) {
    write(netns(), "0");
    auto journalled = set_sysctl(netns(), "net/ipv4/conf/lo/rp_filter", "2");
    const InNetns inside(netns());
    std::ofstream("/proc/sys/net/ipv4/conf/lo/rp_filter") << "1" << std::flush;
    journalled.undo();
    std::string now;
    std::ifstream("/proc/sys/net/ipv4/conf/lo/rp_filter") >> now;
    EXPECT_EQ(now, "1");
}

TEST_F(Journal, WritesNothingDownForAValueThatTheUserHadSet) {
    write(netns(), "1");
    {
        const auto journalled = set_sysctl(netns(), kKey, "1");
        EXPECT_EQ(records(), 0U);
    }
    EXPECT_EQ(value(netns()), "1");
}

TEST_F(Journal, TheLastOfTwoFaultsPutsASharedSettingBack) {
    auto first = set_sysctl(netns(), kKey, "1");
    auto second = set_sysctl(netns(), kKey, "1");
    first.undo();
    EXPECT_EQ(value(netns()), "1");
    second.undo();
    EXPECT_EQ(value(netns()), "0");
}

TEST_F(Journal, TheLastOfTwoProcessesPutsASharedSettingBack) {
    Changer other(netns(), true);
    {
        const auto mine = set_sysctl(netns(), kKey, "1");
        EXPECT_EQ(records(), 2U);
    }
    EXPECT_EQ(value(netns()), "1");
    other.kill();
    EXPECT_TRUE(eventually([&] { return value(netns()) == "0" && records() == 0; }));
}

TEST_F(Journal, ACgroupGoesWithEverythingBelowIt) {
    const auto directory = own_cgroup() + "/blackstart-journal-test-" + std::to_string(::getpid());
    {
        const auto journalled = make_cgroup(directory);
        std::filesystem::create_directories(directory + "/below/deeper");
        EXPECT_EQ(records(), 1U);
    }
    EXPECT_FALSE(std::filesystem::exists(directory));
    EXPECT_EQ(records(), 0U);
}

TEST_F(Journal, ACgroupInWhichSomebodyRunsKeepsItsRecord) {
    const auto directory = own_cgroup() + "/blackstart-journal-test-" + std::to_string(::getpid());
    const pid_t child = ::fork();
    if (child == 0) ::_exit(::pause());
    {
        const auto journalled = make_cgroup(directory);
        std::ofstream(directory + "/cgroup.procs") << child << std::flush;
    }
    EXPECT_TRUE(std::filesystem::exists(directory));
    EXPECT_EQ(records(), 1U);
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    EXPECT_TRUE(std::filesystem::remove(directory));
}

TEST_F(Journal, AnUnknownSettingIsRefusedAndLeavesNoRecord) {
    EXPECT_THROW(set_sysctl(netns(), "net/ipv4/conf/nosuch/route_localnet", "1"), Unfit);
    EXPECT_EQ(records(), 0U);
}

class Guardian : public Journal {};

TEST_F(Guardian, UndoesWhatAKilledProcessLeft) {
    Changer changer(netns(), true);
    EXPECT_EQ(value(netns()), "1");
    changer.kill();
    EXPECT_TRUE(eventually([&] { return value(netns()) == "0" && records() == 0; }));
}

TEST_F(Guardian, LetsAProcessThatBeatsLiveAndKillsOneThatDoesNot) {
    Changer beating(netns(), true), silent(netns(), false);
    EXPECT_EQ(silent.ended(), SIGKILL);
    EXPECT_EQ(value(netns()), "1") << "the one that beats still needs it";
    EXPECT_TRUE(eventually([] { return records() == 1; }));
    EXPECT_EQ(value(netns()), "1");
}

TEST_F(Guardian, KillsAStoppedProcessAndUndoes) {
    Changer changer(netns(), true);
    std::this_thread::sleep_for(300ms);
    changer.stop();
    EXPECT_EQ(changer.ended(), SIGKILL);
    EXPECT_TRUE(eventually([&] { return value(netns()) == "0"; }));
}

TEST_F(Guardian, IsStartedAgainWhenItWasKilled) {
    Changer changer(netns(), true);
    changer.kill_guardian();
    std::this_thread::sleep_for(500ms);
    changer.kill();
    EXPECT_TRUE(eventually([&] { return value(netns()) == "0"; }));
}

TEST_F(Guardian, DeadAsWellIsMadeUpForByTheNextRun) {
    Changer changer(netns(), false);
    changer.kill_guardian();
    changer.kill();
    EXPECT_EQ(value(netns()), "1");
    EXPECT_EQ(leftovers().size(), 1U);
    EXPECT_TRUE(undo_leftovers().empty());
    EXPECT_EQ(value(netns()), "0");
    EXPECT_TRUE(leftovers().empty());
}

TEST_F(Guardian, DoesNotKeepADeadNamespaceFromBeingForgotten) {
    auto netns = take();
    Changer changer(netns.get(), false);
    changer.kill_guardian();
    changer.kill();
    netns.reset();
    EXPECT_TRUE(undo_leftovers().empty());
    EXPECT_EQ(records(), 0U);
}

}  // namespace
}  // namespace blackstart
