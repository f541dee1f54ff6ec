// The attachment of kernels without tcx, tried on any kernel that has clsact and cls_bpf.
#include "injector/kernel/clsact.h"

#include <bpf/bpf.h>
#include <sys/wait.h>

#include <csignal>
#include <cstdlib>
#include <sstream>
#include <thread>

#include "injector/kernel/attachment.h"
#include "injector/kernel/error.h"
#include "injector/kernel/guardian.h"
#include "injector/kernel/journal.h"
#include "injector/kernel/netns.h"
#include "tests/unit/private_run.h"

namespace blackstart {
namespace {

using namespace std::chrono_literals;

constexpr int kLo = 1;
const std::string kTheirs = "bpf bytecode '1,6 0 0 0,'";  // classic BPF: "no match"

class Clsact : public PrivateRun {
protected:
    void SetUp() override {
        PrivateRun::SetUp();
        if (IsSkipped()) return;
        netns_ = make_netns();
        program_ = load_nothing();
        if (!program_) GTEST_SKIP() << "no BPF programs here";
        bpf_prog_info info{};
        __u32 length = sizeof info;
        ASSERT_EQ(bpf_obj_get_info_by_fd(program_.get(), &info, &length), 0);
        id_ = info.id;
        try {
            add(Direction::egress).undo();
        } catch (const Unfit& unfit) {
            GTEST_SKIP() << "no clsact here: " << unfit.what();
        }
    }
    [[nodiscard]] Journalled add(Direction direction) const { return add_tc_filter(netns_.get(), kLo, direction, id_); }
    [[nodiscard]] bool tc(const std::string& words) const {
        const InNetns inside(netns_.get());
        return std::system(("tc " + words + " >/dev/null 2>&1").c_str()) == 0;
    }
    [[nodiscard]] std::string shown(const std::string& words) const {
        const InNetns inside(netns_.get());
        FILE* pipe = ::popen(("tc " + words).c_str(), "r");
        std::string text;
        char buffer[512];
        while (::fgets(buffer, sizeof buffer, pipe) != nullptr) text += buffer;
        ::pclose(pipe);
        return text;
    }
    [[nodiscard]] bool has_qdisc() const { return shown("qdisc show dev lo").find("clsact") != std::string::npos; }
    // The priorities of the filters that leave is asked for, in the order in which they are asked.
    [[nodiscard]] std::vector<int> priorities() const {
        std::vector<int> found;
        std::istringstream lines(shown("filter show dev lo egress"));
        for (std::string line; std::getline(lines, line);)
            if (const auto at = line.find("pref "); at != std::string::npos && line.find("handle") != std::string::npos)
                found.push_back(std::atoi(line.c_str() + at + 5));
        return found;
    }

    // Until one filter is left, beating: our own guardian takes silence for death.
    void wait_for_one() const {
        for (int tries = 0; tries < 400 && priorities().size() > 1; tries++) {
            guardian::beat();
            std::this_thread::sleep_for(10ms);
        }
    }

    unique_fd netns_, program_;
    std::uint32_t id_ = 0;
};

TEST_F(Clsact, IsAddedWithTheFirstFilterAndGoesWithTheLast) {
    {
        auto egress = add(Direction::egress), ingress = add(Direction::ingress);
        EXPECT_TRUE(has_qdisc());
        egress.undo();
        EXPECT_TRUE(has_qdisc());
    }
    EXPECT_FALSE(has_qdisc());
}

TEST_F(Clsact, OfSomebodyElseIsLeft) {
    ASSERT_TRUE(tc("qdisc add dev lo clsact"));
    add(Direction::egress).undo();
    EXPECT_TRUE(has_qdisc());
    EXPECT_TRUE(priorities().empty());
}

TEST_F(Clsact, OfOursIsLeftOnceSomebodyElseUsesIt) {
    {
        const auto ours = add(Direction::egress);
        ASSERT_TRUE(tc("filter add dev lo egress protocol ip pref 7 " + kTheirs));
    }
    EXPECT_TRUE(has_qdisc());
    EXPECT_EQ(priorities(), std::vector<int>{7});
}

TEST_F(Clsact, FilterGoesAheadOfThoseThatAreThere) {
    const auto first = add(Direction::egress), second = add(Direction::egress);
    EXPECT_EQ(priorities(), (std::vector{999, 1000}));
    ASSERT_TRUE(tc("filter add dev lo egress protocol ip pref 20 " + kTheirs));
    const auto third = add(Direction::egress);
    EXPECT_EQ(priorities(), (std::vector{19, 20, 999, 1000}));
}

TEST_F(Clsact, FilterTakesTheNextRoomWhereSomebodyIsFirst) {
    ASSERT_TRUE(tc("qdisc add dev lo clsact") && tc("filter add dev lo egress protocol ip pref 1 " + kTheirs) &&
                tc("filter add dev lo egress protocol ip pref 2 " + kTheirs));
    const auto ours = add(Direction::egress);
    EXPECT_EQ(priorities(), (std::vector{1, 2, 3}));
}

TEST_F(Clsact, FilterForOneCgroupStaysAheadOfThoseForAllTraffic) {
    unique_fd marked = load_nothing();
    mark_rank(marked.get(), Rank::scoped);
    bpf_prog_info info{};
    __u32 length = sizeof info;
    ASSERT_EQ(bpf_obj_get_info_by_fd(marked.get(), &info, &length), 0);
    const auto first = add(Direction::egress);
    const auto scoped = add_tc_filter(netns_.get(), kLo, Direction::egress, info.id, Rank::scoped);
    EXPECT_EQ(priorities(), (std::vector{999, 1000}));
    const auto second = add(Direction::egress);  // behind the scoped one, and the newest of its priority is asked first
    EXPECT_EQ(priorities(), (std::vector{999, 1000, 1000}));
    ASSERT_TRUE(tc("filter add dev lo egress protocol ip pref 990 " + kTheirs));
    const auto other = add_tc_filter(netns_.get(), kLo, Direction::egress, info.id, Rank::scoped);
    EXPECT_EQ(priorities(), (std::vector{989, 990, 999, 1000, 1000}));
}

TEST_F(Clsact, CannotTakeWhatLeavesWhereThereIsAnIngressQdisc) {
    ASSERT_TRUE(tc("qdisc add dev lo ingress"));
    EXPECT_THROW(static_cast<void>(add(Direction::egress)), Unfit);
    add(Direction::ingress).undo();
    EXPECT_NE(shown("qdisc show dev lo").find("ingress"), std::string::npos);
}

TEST_F(Clsact, FilterOfAKilledProcessIsUndoneByItsGuardianAndItsQdiscGoesWithTheLast) {
    int ready[2], go[2];
    ASSERT_EQ(::pipe(ready) + ::pipe(go), 0);
    const pid_t other = ::fork();
    char byte = 0;
    if (other == 0) {
        const auto theirs = add(Direction::egress);
        if (::write(ready[1], "", 1) == 1 && ::read(go[0], &byte, 1) == 1) ::raise(SIGKILL);
        ::_exit(1);
    }
    ASSERT_EQ(::read(ready[0], &byte, 1), 1);
    auto mine = add(Direction::egress);
    EXPECT_EQ(priorities().size(), 2U);
    ASSERT_EQ(::write(go[1], "", 1), 1);
    ::waitpid(other, nullptr, 0);
    wait_for_one();
    EXPECT_EQ(priorities(), std::vector<int>{999});
    EXPECT_TRUE(has_qdisc());
    mine.undo();
    EXPECT_FALSE(has_qdisc());
}

}  // namespace
}  // namespace blackstart
