#include "probes/watch.h"

#include <set>

#include "injector/kernel/netns.h"
#include "servers.h"

using namespace blackstart;
using namespace blackstart::testing;

namespace {

HttpProbe get(const Server& server) {
    HttpProbe http;
    http.url = "http://" + server.at() + "/";
    return http;
}

DnsProbe ask(const Server& server) {
    DnsProbe dns;
    dns.server = server.at();
    dns.query = "db.test";
    return dns;
}

std::optional<Bytes> one_address(const Bytes& query) { return dns_reply(query, 0, {{1, {10, 0, 0, 1}}}); }

TEST(Watch, IsNotHeldUpByASlowServer) {
    const auto slow = http_server(AF_INET, [](const std::string&) {
        std::this_thread::sleep_for(400ms);
        return response(200, "");
    });
    const DnsServer quick(AF_INET, one_address);
    const auto seen = Watched({probe(get(slow), 20ms), probe(ask(quick), 20ms, 1s)}, 600ms);
    EXPECT_GE(seen.of(0).size(), 25U);
    EXPECT_GE(seen.of(1).size(), 25U);
    for (const auto& each : seen.of(0)) EXPECT_GE(each.latency, 400ms);
    std::vector<std::chrono::nanoseconds> latencies;
    for (const auto& each : seen.of(1)) {
        EXPECT_TRUE(each.ok) << each.why;
        latencies.push_back(each.latency);
    }
    std::sort(latencies.begin(), latencies.end());
    EXPECT_LT(latencies[latencies.size() / 2], 100ms);
}

TEST(Watch, StartsEachObservationWhenItIsDue) {
    const DnsServer server(AF_INET, one_address);
    const auto seen = Watched({probe(ask(server), 10ms)}, 300ms);
    std::set<std::chrono::nanoseconds> starts;
    for (const auto& each : seen.all) starts.insert(each.start);
    ASSERT_EQ(starts.size(), seen.all.size());
    EXPECT_GE(starts.size(), 29U);
    auto due = *starts.begin();
    for (const auto start : starts) {
        EXPECT_EQ(start, due);
        due += 10ms;
    }
}

TEST(Watch, SpreadsTheFirstTicksOfManyProbes) {
    const DnsServer server(AF_INET, one_address);
    const auto seen = Watched(std::vector<Probe>(100, probe(ask(server), 1s)), 1s);
    std::vector<int> tenths(10);
    for (const auto& each : seen.all) {
        const auto tenth = (each.start - seen.began) / 100ms;
        if (tenth >= 0 && tenth < 10) ++tenths[static_cast<std::size_t>(tenth)];
    }
    for (const int count : tenths) EXPECT_NEAR(count, 10, 3);
}

TEST(Watch, LooksAtFiveHundredThingsAtOnceAndLosesNothing) {
    const auto web = http_server(AF_INET, [](const std::string&) { return response(200, ""); });
    const DnsServer names(AF_INET6, one_address);
    const DnsServer silent(AF_INET, [](const Bytes&) { return std::nullopt; });
    std::vector<Probe> probes;
    for (int i = 0; i < 50; ++i) probes.push_back(probe(get(web), 200ms));
    for (int i = 0; i < 300; ++i) probes.push_back(probe(ask(names), 200ms));
    for (int i = 0; i < 150; ++i) probes.push_back(probe(ask(silent), 200ms, 500ms));
    const auto seen = Watched(probes, 800ms);
    for (std::size_t i = 0; i < probes.size(); ++i) {
        const auto some = seen.of(i);
        EXPECT_GE(some.size(), 4U) << i;
        for (const auto& each : some) {
            EXPECT_EQ(each.ok, i < 350) << i << ": " << each.why;
            EXPECT_EQ(each.why, i < 350 ? "" : "timeout");
        }
    }
}

TEST(Watch, SaysSoWhenTooManyAreInFlight) {
    const DnsServer silent(AF_INET, [](const Bytes&) { return std::nullopt; });
    const auto seen = Watched({probe(ask(silent), 1ms, 1800ms)}, 1500ms);
    std::size_t timeouts = 0, too_many = 0;
    for (const auto& each : seen.all) {
        EXPECT_FALSE(each.ok);
        EXPECT_FALSE(each.value);
        timeouts += each.why == "timeout" ? 1 : 0;
        too_many += each.why == "too many in flight" ? 1 : 0;
    }
    EXPECT_EQ(timeouts, most_in_flight_per_probe);
    EXPECT_EQ(timeouts + too_many, seen.all.size());
    EXPECT_GE(seen.all.size(), 1499U);
}

TEST(Watch, DrainsAtOnceWhenNothingIsInFlight) {
    Loop loop;
    Watch watch(loop, {}, {}, [](const Observation&) {});
    watch.start();
    bool inside = false, drained = false;
    const auto now = loop.at(Loop::now(), [&] {
        inside = true;
        watch.drain([&] {
            EXPECT_FALSE(inside);
            drained = true;
            loop.stop();
        });
        inside = false;
    });
    loop.run();
    EXPECT_TRUE(drained);
}

TEST(Watch, CanGoWhileObservationsAreInFlight) {
    const DnsServer silent(AF_INET, [](const Bytes&) { return std::nullopt; });
    const auto web = http_server(AF_INET, [](const std::string&) { return std::string(); });
    Loop loop;
    {
        const Watch unused(loop, {probe(ask(silent)), probe(get(web))}, {{}, {}}, [](const Observation&) { FAIL(); });
        Watch watch(loop, {probe(ask(silent)), probe(get(web)), probe(TcpProbe{web.at(), "never"})}, {{}, {}, {}},
                    [](const Observation&) { FAIL(); });
        watch.start();
        const auto end = loop.at(Loop::now() + 100ms, [&] { loop.stop(); });
        loop.run();
    }
    const auto end = loop.at(Loop::now() + 10ms, [&] { loop.stop(); });
    loop.run();
}

TEST(Watch, OpensItsSocketsInTheProbesNamespace) {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root: a network namespace";
    const auto there = make_netns();
    std::optional<TcpServer> web;
    std::optional<DnsServer> names;
    {
        const InNetns inside(there.get());
        web.emplace(AF_INET6, [](int fd) {
            read_request(fd);
            write_all(fd, response(200, ""));
        });
        names.emplace(AF_INET, one_address);
    }
    const Place place{there.get(), -1};
    const std::vector probes{probe(get(*web)), probe(ask(*names)), probe(TcpProbe{web->at(), ""})};
    const auto inside = Watched(probes, 60ms, {place, place, place});
    const auto outside = Watched(probes, 60ms);
    for (std::size_t i = 0; i < probes.size(); ++i) {
        EXPECT_TRUE(inside.one(i).ok) << i << ": " << inside.one(i).why;
        EXPECT_EQ(outside.one(i).why, "connection refused") << i;
    }
    EXPECT_EQ(netns_id(open_netns("").get()), netns_id(open_netns("/proc/self/ns/net").get()));
}

}  // namespace
