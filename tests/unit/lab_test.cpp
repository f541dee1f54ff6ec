// The lab on the real kernel: needs root (skipped, loudly, without).
#include "experiments/lab.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <thread>

#include "injector/kernel/error.h"
#include "injector/kernel/links.h"
#include "injector/kernel/netns.h"

namespace blackstart {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using Told = std::vector<std::pair<std::string, std::string>>;

class LabTest : public ::testing::Test {
protected:
    void SetUp() override {
        if (::geteuid() != 0) GTEST_SKIP() << "the lab needs root";
        char name[] = "/tmp/blackstart-lab-XXXXXX";
        folder = ::mkdtemp(name);
    }
    void TearDown() override {
        if (!folder.empty()) fs::remove_all(folder);
    }

    LabPlan two_hosts() {
        LabPlan plan;
        plan.hosts = {{"client", {"10.99.0.10", "fd99::10"}}, {"web", {"10.99.0.20", "fd99::20"}}};
        plan.resolver = "10.99.0.20";
        return plan;
    }
    static Service service(const std::string& name, std::vector<std::string> run) {
        Service made;
        made.name = name;
        made.host = "web";
        made.run = std::move(run);
        return made;
    }
    void start(Lab& lab) {
        lab.start(loop, folder / "logs", std::nullopt,
                  [this](const std::string& name, const std::string& what) { told.emplace_back(name, what); });
    }
    void run_loop(std::chrono::milliseconds time) {
        auto end = loop.at(Loop::now() + time, [this] { loop.stop(); });
        loop.run();
    }
    std::string log(const std::string& name) const {
        std::ostringstream text;
        text << std::ifstream(folder / "logs" / (name + ".log")).rdbuf();
        return text.str();
    }

    fs::path folder;
    Loop loop;
    Told told;
};

// 0: connected; else errno.
int connect_from(int netns, const std::string& address, std::uint16_t port) {
    const InNetns inside(netns);
    const bool v6 = address.find(':') != std::string::npos;
    sockaddr_in6 to6{};
    sockaddr_in to4{};
    to6.sin6_family = AF_INET6;
    to4.sin_family = AF_INET;
    to6.sin6_port = to4.sin_port = htons(port);
    ::inet_pton(AF_INET6, address.c_str(), &to6.sin6_addr);
    ::inet_pton(AF_INET, address.c_str(), &to4.sin_addr);
    const unique_fd fd(::socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const auto* to = v6 ? reinterpret_cast<const sockaddr*>(&to6) : reinterpret_cast<const sockaddr*>(&to4);
    return ::connect(fd.get(), to, v6 ? sizeof to6 : sizeof to4) == 0 ? 0 : errno;
}

std::string read_in(const Place& place, const std::string& file) {
    std::string text;
    std::thread([&] {
        if (::unshare(CLONE_FS) != 0 || ::setns(place.mntns, CLONE_NEWNS) != 0) return;
        std::ostringstream all;
        all << std::ifstream(file).rdbuf();
        text = all.str();
    }).join();
    return text;
}

std::string links_here() {
    std::string all;
    for (const auto& link : interfaces(-1)) all += std::to_string(link.index) + link.name + " ";
    return all;
}

TEST_F(LabTest, hosts_see_each_other_by_v4_and_v6_and_the_machine_sees_none_of_it) {
    const auto before = links_here();
    Lab lab(two_hosts(), folder);
    EXPECT_EQ(links_here(), before);
    const Place client = lab.place("client");
    EXPECT_EQ(connect_from(client.netns, "10.99.0.20", 9), ECONNREFUSED);  // answered: the wire works
    EXPECT_EQ(connect_from(client.netns, "fd99::20", 9), ECONNREFUSED);
    EXPECT_EQ(connect_from(client.netns, "10.98.0.1", 9), ENETUNREACH);
    EXPECT_NE(connect_from(-1, "10.99.0.20", 9), ECONNREFUSED);
    EXPECT_TRUE(lab.has("web"));
    EXPECT_FALSE(lab.has("db"));
    EXPECT_EQ(netns_id(open_netns(lab.netns_path("web")).get()), netns_id(lab.place("web").netns));
    EXPECT_TRUE(lab.stop().empty());
}

TEST_F(LabTest, each_host_has_its_own_etc_and_the_machine_keeps_its_own) {
    std::ostringstream before, after;
    before << std::ifstream("/etc/hosts").rdbuf() << std::ifstream("/etc/resolv.conf").rdbuf();
    Lab lab(two_hosts(), folder);
    EXPECT_NE(read_in(lab.place("client"), "/etc/hosts").find("fd99::20 web"), std::string::npos);
    EXPECT_EQ(read_in(lab.place("web"), "/etc/resolv.conf"), "nameserver 10.99.0.20\n");
    after << std::ifstream("/etc/hosts").rdbuf() << std::ifstream("/etc/resolv.conf").rdbuf();
    EXPECT_EQ(before.str(), after.str());
}

TEST_F(LabTest, a_service_is_ready_when_start_returns_and_its_output_is_kept) {
    auto plan = two_hosts();
    plan.services.push_back(service("pages", {"/usr/bin/python3", "-u", "-m", "http.server", "8080", "--bind", "10.99.0.20"}));
    plan.services[0].ready.http = "http://web:8080/";
    Lab lab(plan, folder);
    start(lab);
    EXPECT_EQ(told, (Told{{"pages", "started"}}));
    EXPECT_EQ(connect_from(lab.place("client").netns, "10.99.0.20", 8080), 0);
    EXPECT_NE(log("pages").find("GET / HTTP/1.1\" 200"), std::string::npos);
    EXPECT_TRUE(lab.stop().empty());
}

TEST_F(LabTest, a_service_lives_in_a_pid_namespace_with_its_own_proc_run_and_host_name) {
    auto plan = two_hosts();
    plan.services.push_back(
        service("look", {"/usr/bin/python3", "-c",
                         "import os,socket; print(os.getppid(), sorted(p for p in os.listdir('/proc') if p.isdigit())[0],"
                         " os.listdir('/run'), socket.gethostname(), os.getcwd())"}));
    plan.services[0].restart = true;
    Lab lab(plan, folder);
    start(lab);
    run_loop(400ms);
    EXPECT_EQ(log("look"), "1 1 ['blackstart-lab'] web " + folder.string() + "\n");
}

TEST_F(LabTest, an_exit_is_told_and_a_service_with_restart_is_started_again) {
    auto plan = two_hosts();
    plan.services.push_back(service("again", {"/usr/bin/python3", "-c", "import time; time.sleep(0.3); raise SystemExit(3)"}));
    plan.services.push_back(service("once", {"/usr/bin/python3", "-c", "import os,time; time.sleep(0.3); os.kill(os.getpid(), 9)"}));
    plan.services[0].restart = true;
    Lab lab(plan, folder);
    start(lab);
    run_loop(1300ms);
    const auto has = [&](const char* name, const char* what) {
        return std::ranges::count(told, std::pair<std::string, std::string>(name, what));
    };
    EXPECT_GE(has("again", "exited 3"), 1);
    EXPECT_GE(has("again", "restarted"), 1);
    EXPECT_EQ(has("once", "killed by SIGKILL"), 1);
    EXPECT_EQ(has("once", "restarted"), 0);
}

TEST_F(LabTest, a_service_that_exits_before_it_is_ready_is_told_with_its_last_words) {
    auto plan = two_hosts();
    plan.services.push_back(service("broken", {"/usr/bin/python3", "-c", "raise SystemExit('no such zone')"}));
    plan.services[0].ready.tcp = "10.99.0.20:53";
    Lab lab(plan, folder);
    try {
        start(lab);
        FAIL() << "it started";
    } catch (const Unfit& e) {
        EXPECT_NE(std::string(e.what()).find("'broken' exited 1"), std::string::npos) << e.what();
        EXPECT_NE(std::string(e.what()).find("no such zone"), std::string::npos) << e.what();
    }
}

TEST_F(LabTest, a_missing_program_that_a_service_starts_itself_is_named_too) {
    auto plan = two_hosts();
    plan.services = {service("a", {"sh", "-c", "no-such-helper"})};
    plan.services[0].needs = {"sh", "no-such-helper"};
    plan.services[0].package = "dash helpers";
    try {
        Lab lab(plan, folder);
        FAIL() << "it was made";
    } catch (const Unfit& e) {
        EXPECT_NE(std::string(e.what()).find("does not have: no-such-helper (package dash helpers)"), std::string::npos) << e.what();
        EXPECT_EQ(e.fix, "apt-get install dash helpers");
    }
}

TEST_F(LabTest, every_missing_program_is_named_with_its_package_before_anything_is_made) {
    auto plan = two_hosts();
    plan.services = {service("a", {"no-such-a"}), service("b", {"no-such-b", "-x"}), service("c", {"sleep", "1"})};
    plan.services[0].package = "pack-a";
    plan.services[1].package = "pack-b";
    try {
        Lab lab(plan, folder);
        FAIL() << "it was made";
    } catch (const Unfit& e) {
        EXPECT_NE(std::string(e.what()).find("no-such-a (package pack-a), no-such-b (package pack-b)"), std::string::npos) << e.what();
        EXPECT_EQ(e.fix, "apt-get install pack-a pack-b");
    }
}

TEST_F(LabTest, addresses_that_cannot_be_are_refused) {
    LabPlan plan;
    plan.hosts = {{"a", {"10.0.0.300"}}};
    EXPECT_THROW(Lab(plan, folder), Misuse);
    plan.hosts = {{"a", {"10.0.0.1"}}, {"b", {"10.0.0.1"}}};
    EXPECT_THROW(Lab(plan, folder), Misuse);
    plan.hosts = {{"a", {"10.0.0.1"}}, {"b", {"192.168.0.1"}}};
    EXPECT_THROW(Lab(plan, folder), Misuse);
    plan.hosts = {{"a", {"10.0.0.1"}}, {"b", {"10.9.0.1"}}};
    Lab lab(plan, folder);
    EXPECT_EQ(connect_from(lab.place("a").netns, "10.9.0.1", 9), ECONNREFUSED);  // one link, whatever the distance
}

TEST_F(LabTest, a_service_that_ignores_SIGTERM_and_its_grandchildren_end_with_the_lab) {
    auto plan = two_hosts();
    plan.services.push_back(
        service("stubborn", {"/usr/bin/python3", "-u", "-c",
                             "import os,signal,socket,time\nsignal.signal(15, signal.SIG_IGN)\n"
                             "s=socket.create_server(('10.99.0.20', 80))\nos.fork(); os.setsid() if os.fork() == 0 else 0\n"
                             "time.sleep(60)"}));
    plan.services[0].ready.tcp = "10.99.0.20:80";
    Lab lab(plan, folder);
    start(lab);
    const auto from = Loop::now();
    EXPECT_TRUE(lab.stop().empty());
    EXPECT_LT(Loop::now() - from, 5s);
}

}  // namespace
}  // namespace blackstart
