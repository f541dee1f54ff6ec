#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "injector/kernel/error.h"
#include "injector/kernel/netns.h"
#include "servers.h"

using namespace blackstart;
using namespace blackstart::testing;

namespace {

using Set = std::vector<std::string>;

ExecProbe run(std::vector<std::string> argv) {
    ExecProbe exec;
    exec.run = std::move(argv);
    return exec;
}

ExecProbe shell(const std::string& script) { return run({"sh", "-c", script}); }

// Processes with an argument that is `mark`.
int marked(const std::string& mark) {
    int count = 0;
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
        std::ifstream file(entry.path() / "cmdline");
        std::string line;
        std::getline(file, line);  // a process that goes meanwhile has none
        count += line.find('\0' + mark + '\0') != std::string::npos ? 1 : 0;
    }
    return count;
}

bool gone_within(const std::string& mark, std::chrono::milliseconds limit) {
    for (const auto end = Loop::now() + limit; Loop::now() < end; std::this_thread::sleep_for(5ms))
        if (marked(mark) == 0) return true;
    return false;
}

// A sleep that no other test has: its time is its mark.
std::string sleep_mark(int which) { return std::to_string(3600 + ::getpid()) + "." + std::to_string(which); }

TEST(ExecProbes, JudgeTheExitAndHaveStdoutAsTheirValue) {
    auto wanted = shell("echo down; exit 3"), found = shell("echo state up"), lacking = found, group = shell("echo; echo gen=9");
    wanted.exit = 3;
    found.output = "up";
    lacking.output = "down";
    group.value = Extract{.json = "", .regex = "gen=(.*)"};
    const auto seen = Watched({probe(run({"echo", "42"}), 1s), probe(shell("echo down; exit 3"), 1s), probe(wanted, 1s), probe(found, 1s),
                               probe(lacking, 1s), probe(group, 1s), probe(run({"true"}), 1s)},
                              1s);
    EXPECT_TRUE(seen.one(0).ok) << seen.one(0).why;
    EXPECT_EQ(seen.one(0).value, Value(42.0));
    EXPECT_EQ(seen.one(1).why, "exit 3");
    EXPECT_EQ(seen.one(1).value, Value("down"));
    EXPECT_TRUE(seen.one(2).ok) << seen.one(2).why;
    EXPECT_TRUE(seen.one(3).ok) << seen.one(3).why;
    EXPECT_EQ(seen.one(4).why, "stdout lacks \"down\"");
    EXPECT_EQ(seen.one(5).value, Value(9.0));
    EXPECT_EQ(seen.one(6).value, Value(""));
}

TEST(ExecProbes, SayWhatCannotRunAndWhatWasKilled) {
    const auto seen = Watched({probe(run({"/no/such/program"}), 1s), probe(shell("kill -SEGV $$"), 1s)}, 900ms);
    EXPECT_EQ(seen.one(0).why, "cannot run /no/such/program: no such file or directory");
    EXPECT_FALSE(seen.one(0).value);
    EXPECT_EQ(seen.one(1).why, "killed by signal 11");
}

TEST(ExecProbes, GetArgumentsAsTheyAreAndACleanProcess) {
    const auto seen =
        Watched({probe(run({"printf", "%s|", "a b", "", "$HOME", "*"}), 1s),
                 probe(shell("cat; grep -E '^Sig(Blk|Ign)' /proc/self/status | tr -d '\\n\\t'; ls /proc/self/fd | wc -l"), 1s)},
                900ms);
    EXPECT_EQ(seen.one(0).value, Value("a b||$HOME|*|"));
    // stdin, stdout, stderr, and the directory that ls reads.
    EXPECT_EQ(seen.one(1).value, Value("SigBlk:0000000000000000SigIgn:00000000000000004"));
}

TEST(ExecProbes, KeepTheFirst64KiBOfStdout) {
    const auto seen = Watched({probe(shell("head -c 1000000 /dev/zero | tr '\\0' x; exit 1"), 1s)}, 500ms).one();
    EXPECT_EQ(seen.why, "exit 1");  // it was not stopped by a full pipe
    ASSERT_TRUE(seen.value);
    EXPECT_EQ(std::get<std::string>(*seen.value).size(), 64U * 1024);
}

TEST(ExecProbes, AreKilledAsAGroupAtTheirTimeout) {
    const auto mark = sleep_mark(1);
    Loop loop;
    std::vector<Observation> all;
    Watch watch(loop, {probe(shell("sleep " + mark + " & sleep " + mark + "; true"), 5s, 500ms)}, {{}}, [&](const Observation& seen) {
        all.push_back(seen);
        loop.stop();
    });
    int alive = 0;
    const auto look = loop.at(Loop::now() + 400ms, [&] { alive = marked(mark); });
    watch.start();
    loop.run();
    ASSERT_EQ(all.size(), 1U);
    EXPECT_EQ(all[0].why, "timeout");
    EXPECT_FALSE(all[0].value);
    EXPECT_EQ(alive, 2);
    EXPECT_TRUE(gone_within(mark, 2s));
}

TEST(ExecProbes, TakeWithThemWhatTheyLeaveInTheirGroup) {
    const auto mark = sleep_mark(2);
    Loop loop;
    Watch watch(loop, {probe(shell("sleep " + mark + " & echo 1"), 5s)}, {{}}, [&](const Observation& seen) {
        EXPECT_TRUE(seen.ok) << seen.why;
        EXPECT_EQ(seen.value, Value(1.0));
        loop.stop();
    });
    watch.start();
    loop.run();
    EXPECT_TRUE(gone_within(mark, 2s));
}

// Runs a watch in a process of its own, which does nothing else until it is killed.
pid_t watcher(const std::vector<Probe>& probes) {
    const auto pid = ::fork();
    if (pid != 0) return pid;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    Loop loop;
    Watch watch(loop, probes, std::vector<Place>(probes.size()), [](const Observation&) {});
    watch.start();
    loop.run();
    ::_exit(1);
}

TEST(Children, AreGoneOnceTheirWatchIsKilled) {
    const auto mark = sleep_mark(3);
    // With the privilege for a PID namespace also what left its group and its parent behind.
    const std::string escape = ::geteuid() == 0 ? "setsid -f sleep " + mark + "; " : "";
    const auto pid = watcher({probe(shell(escape + "exec sleep " + mark), 50ms, 100s)});
    const auto end = Loop::now() + 10s;
    while (marked(mark) < 6 && Loop::now() < end) std::this_thread::sleep_for(10ms);
    EXPECT_GE(marked(mark), 6);
    ::kill(pid, SIGKILL);
    const auto killed = Loop::now();
    EXPECT_TRUE(gone_within(mark, 2s));
    RecordProperty("gone_after_ms", static_cast<int>((Loop::now() - killed) / 1ms));
    ::waitpid(pid, nullptr, 0);
}

TEST(Children, InheritNoDescriptor) {
    // Stands for a BPF link: it is closed for good, and the reader sees it, only when no process holds it.
    std::array<int, 2> ends{};
    ASSERT_EQ(::pipe(ends.data()), 0);  // not even close-on-exec
    const unique_fd reader(ends[0]);
    unique_fd link(ends[1]);
    Loop loop;
    Watch watch(loop, {probe(shell("sleep 5"), 20ms, 10s)}, {{}}, [](const Observation&) {});
    watch.start();
    const auto end = loop.at(Loop::now() + 300ms, [&] { loop.stop(); });
    loop.run();
    link.reset();
    pollfd closed{reader.get(), POLLIN, 0};
    EXPECT_EQ(::poll(&closed, 1, 1000), 1);
}

TEST(Children, WaitForTheirTurnWhenThereAreTooMany) {
    const std::vector<Probe> probes(560, probe(run({"sleep", "1.5"}), 1s, 60s));
    Loop loop;
    std::size_t done = 0;
    Watch watch(loop, probes, std::vector<Place>(probes.size()), [&](const Observation& seen) {
        EXPECT_TRUE(seen.ok) << seen.why;
        if (++done == 560) loop.stop();
    });
    watch.start();
    const auto guard = loop.at(Loop::now() + 30s, [&] { loop.stop(); });
    loop.run();
    EXPECT_GE(done, 560U);
}

TEST(ResolveProbes, FindWhatGetaddrinfoFinds) {
    const auto seen =
        Watched({probe(ResolveProbe{"127.0.0.1", ResolveProbe::Family::any}, 1s),
                 probe(ResolveProbe{"::1", ResolveProbe::Family::ipv6}, 1s), probe(ResolveProbe{"::1", ResolveProbe::Family::ipv4}, 1s)},
                900ms);
    EXPECT_TRUE(seen.one(0).ok) << seen.one(0).why;
    EXPECT_EQ(seen.one(0).value, Value(Set{"127.0.0.1"}));
    EXPECT_EQ(seen.one(1).value, Value(Set{"::1"}));
    EXPECT_FALSE(seen.one(2).ok);
}

// A host of a lab: a network namespace, and a mount namespace with its own hosts file and resolv.conf.
class LabHost : public ::testing::Test {
protected:
    void SetUp() override {
        if (::geteuid() != 0) GTEST_SKIP() << "needs root: namespaces";
        netns_ = make_netns();
        folder_ = std::filesystem::temp_directory_path() / ("probes." + std::to_string(::getpid()));
        std::filesystem::create_directory(folder_);
        std::ofstream(folder_ / "hosts") << "10.7.7.7 here.test\nfd00::7 here.test\n";
        std::ofstream(folder_ / "resolv.conf") << "nameserver 127.0.0.1\noptions timeout:30\n";
        std::thread([this] {
            if (::unshare(CLONE_NEWNS | CLONE_FS) != 0 || ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return;
            for (const auto* file : {"hosts", "resolv.conf"})
                ::mount((folder_ / file).c_str(), ("/etc/" + std::string(file)).c_str(), nullptr, MS_BIND, nullptr);
            mntns_.reset(::open("/proc/thread-self/ns/mnt", O_RDONLY | O_CLOEXEC));
        }).join();
        ASSERT_TRUE(mntns_);
    }
    void TearDown() override {
        if (!folder_.empty()) std::filesystem::remove_all(folder_);
    }
    [[nodiscard]] Place place() const { return {netns_.get(), mntns_.get()}; }

    // A name server on port 53 of the host.
    template <class Reply> std::unique_ptr<DnsServer> names(Reply reply) {
        const InNetns inside(netns_.get());
        return std::make_unique<DnsServer>(AF_INET, std::move(reply), 53);
    }

    unique_fd netns_, mntns_;
    std::filesystem::path folder_;
};

TEST_F(LabHost, HasItsOwnHostsFileAndResolver) {
    const auto server = names([](const Bytes& query) -> std::optional<Bytes> {
        const auto type = query[question_end(query) - 3];
        if (query[13] == 'g') return dns_reply(query, 3, {});
        if (query[13] == 's') return dns_reply(query, 2, {});
        return dns_reply(query, 0, type == 1 ? std::vector<Record>{{1, {10, 9, 9, 9}}} : std::vector<Record>{});
    });
    const auto seen =
        Watched({probe(ResolveProbe{"here.test"}, 1s), probe(ResolveProbe{"db.test"}, 1s), probe(ResolveProbe{"gone.test"}, 1s),
                 probe(ResolveProbe{"sick.test"}, 1s), probe(run({"cat", "/etc/resolv.conf"}), 1s)},
                900ms, std::vector<Place>(5, place()));
    EXPECT_EQ(seen.one(0).value, Value(Set{"10.7.7.7", "fd00::7"}));
    EXPECT_TRUE(seen.one(1).ok) << seen.one(1).why;
    EXPECT_EQ(seen.one(1).value, Value(Set{"10.9.9.9"}));
    EXPECT_FALSE(seen.one(2).ok);
    EXPECT_EQ(seen.one(2).value, Value(Set{}));
    EXPECT_EQ(seen.one(3).why, "temporary failure in name resolution");
    EXPECT_FALSE(seen.one(3).value);  // a server failure says nothing about the set
    EXPECT_EQ(seen.one(4).value, Value("nameserver 127.0.0.1\noptions timeout:30"));
}

TEST_F(LabHost, HasALookupKilledAtItsTimeout) {
    const auto server = names([](const Bytes&) { return std::nullopt; });
    const auto seen = Watched({probe(ResolveProbe{"db.test"}, 5s, 300ms)}, 100ms, {place()}).one();
    EXPECT_EQ(seen.why, "timeout");
    EXPECT_FALSE(seen.value);
    EXPECT_GE(seen.latency, 300ms);
}

TEST_F(LabHost, IsWhereHttpProbesLookNamesUp) {
    std::optional<TcpServer> web;
    {
        const InNetns inside(netns_.get());
        web.emplace(AF_INET, [](int fd) {
            read_request(fd);
            write_all(fd, response(200, ""));
        });
    }
    const auto server = names([](const Bytes& query) -> std::optional<Bytes> {
        const auto type = query[question_end(query) - 3];
        return dns_reply(query, 0, type == 1 ? std::vector<Record>{{1, {127, 0, 0, 1}}} : std::vector<Record>{});
    });
    HttpProbe http;
    http.url = "http://web.test:" + std::to_string(web->port) + "/";
    const auto seen = Watched({probe(http, 1s)}, 900ms, {place()}).one();
    EXPECT_TRUE(seen.ok) << seen.why;
}

}  // namespace
