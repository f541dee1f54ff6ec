#include "injector/kernel/error.h"
#include "servers.h"

using namespace blackstart;
using namespace blackstart::testing;

namespace {

using Set = std::vector<std::string>;

DnsProbe ask(const Server& server, std::uint16_t type = 1) {
    DnsProbe dns;
    dns.server = server.at();
    dns.query = "Db.Test";
    dns.type = type;
    return dns;
}

class DnsProbes : public ::testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Families, DnsProbes, ::testing::Values(AF_INET, AF_INET6), family_name);

TEST_P(DnsProbes, HaveTheSortedSetOfAnswersAsTheirValue) {
    const DnsServer server(GetParam(), [](const Bytes& query) {
        return dns_reply(query, 0, {{5, {1, 'x', 0}}, {1, {10, 0, 0, 2}}, {1, {10, 0, 0, 1}}, {1, {10, 0, 0, 2}}});
    });
    const auto seen = Watched({probe(ask(server))}, 60ms).one();
    EXPECT_TRUE(seen.ok) << seen.why;
    EXPECT_EQ(seen.value, Value(Set{"10.0.0.1", "10.0.0.2"}));
}

TEST_P(DnsProbes, TakeNxdomainForTheEmptySet) {
    const DnsServer server(GetParam(), [](const Bytes& query) { return dns_reply(query, 3, {}); });
    auto wanted = ask(server);
    wanted.rcode = 3;
    const auto seen = Watched({probe(ask(server)), probe(wanted)}, 60ms);
    EXPECT_FALSE(seen.one(0).ok);
    EXPECT_EQ(seen.one(0).why, "nxdomain");
    EXPECT_EQ(seen.one(0).value, Value(Set{}));
    EXPECT_TRUE(seen.one(1).ok);
}

TEST_P(DnsProbes, HaveNoValueWithoutAReply) {
    const DnsServer server(GetParam(), [](const Bytes&) { return std::nullopt; });
    const auto seen = Watched({probe(ask(server), 50ms, 100ms)}, 60ms).one();
    EXPECT_EQ(seen.why, "timeout");
    EXPECT_FALSE(seen.value);
}

TEST_P(DnsProbes, CompareTheAnswersWithWhatIsExpected) {
    const DnsServer server(GetParam(), [](const Bytes& query) { return dns_reply(query, 0, {{1, {10, 0, 0, 1}}, {1, {10, 0, 0, 2}}}); });
    const DnsServer empty(GetParam(), [](const Bytes& query) { return dns_reply(query, 0, {}); });
    auto same = ask(server), other = ask(server), more = ask(server), any = ask(empty);
    same.answers = {"10.0.0.2", "10.0.0.1"};
    other.answers = {"10.0.0.2"};
    more.min_answers = 3;
    any.min_answers = 0;
    const auto seen = Watched({probe(same), probe(other), probe(more), probe(any), probe(ask(empty))}, 60ms);
    EXPECT_TRUE(seen.one(0).ok) << seen.one(0).why;
    EXPECT_FALSE(seen.one(1).ok);
    EXPECT_EQ(seen.one(1).why, "answers: 10.0.0.1, 10.0.0.2");
    EXPECT_FALSE(seen.one(2).ok);
    EXPECT_TRUE(seen.one(3).ok) << seen.one(3).why;
    EXPECT_EQ(seen.one(4).why, "no answers");
    EXPECT_EQ(seen.one(4).value, Value(Set{}));
}

TEST_P(DnsProbes, TakeAValueOutOfTxt) {
    const DnsServer server(GetParam(), [](const Bytes& query) { return dns_reply(query, 0, {{16, {5, 'g', 'e', 'n', '=', '7'}}}); });
    auto txt = ask(server, 16);
    txt.value = Extract{.json = "", .regex = "gen=(.*)"};
    const auto seen = Watched({probe(txt)}, 60ms).one();
    EXPECT_TRUE(seen.ok) << seen.why;
    EXPECT_EQ(seen.value, Value(7.0));
}

TEST_P(DnsProbes, SayTruncatedAndHaveNoValueThen) {
    const DnsServer server(GetParam(), [](const Bytes& query) { return dns_reply(query, 0, {}, true); });
    const auto seen = Watched({probe(ask(server))}, 60ms).one();
    EXPECT_FALSE(seen.ok);
    EXPECT_EQ(seen.why, "truncated");
    EXPECT_FALSE(seen.value);
}

TEST_P(DnsProbes, WaitForTheAnswerToTheirOwnQuestion) {
    int queries = 0;
    const DnsServer server(GetParam(), [&](Bytes query) {
        ++queries;
        query[1] ^= 1;
        return dns_reply(query, 0, {{1, {6, 6, 6, 6}}});
    });
    const auto seen = Watched({probe(ask(server), 1s, 100ms)}, 30ms).one();
    EXPECT_EQ(seen.why, "timeout");
    EXPECT_EQ(queries, 1);
}

TEST_P(DnsProbes, SayWhenThePortIsClosed) {
    DnsProbe dns;
    {
        const Server gone(GetParam(), SOCK_DGRAM);
        dns = ask(gone);
    }
    const auto seen = Watched({probe(dns)}, 60ms).one();
    EXPECT_EQ(seen.why, "connection refused");
    EXPECT_FALSE(seen.value);
}

TEST_P(DnsProbes, AskOverTcpWhereTheyAreTold) {
    const TcpServer server(GetParam(), [](int fd) {
        Bytes query(512);
        const auto size = ::recv(fd, query.data(), query.size(), 0);
        if (size < 2) return;
        query.resize(static_cast<std::size_t>(size));
        auto reply = dns_reply(Bytes(query.begin() + 2, query.end()), 0, {{1, {10, 0, 0, 1}}});
        const Bytes length{0, static_cast<std::uint8_t>(reply.size())};
        ::send(fd, length.data(), 2, MSG_NOSIGNAL);  // in two segments
        std::this_thread::sleep_for(5ms);
        ::send(fd, reply.data(), reply.size(), MSG_NOSIGNAL);
        ::recv(fd, query.data(), query.size(), 0);
    });
    auto dns = ask(server);
    dns.tcp = true;
    const auto seen = Watched({probe(dns)}, 60ms).one();
    EXPECT_TRUE(seen.ok) << seen.why;
    EXPECT_EQ(seen.value, Value(Set{"10.0.0.1"}));
}

TEST_P(DnsProbes, SayWhenTheServerHangsUp) {
    const TcpServer server(GetParam(), [](int fd) { (void)!::recv(fd, std::array<char, 512>().data(), 512, 0); });
    auto dns = ask(server);
    dns.tcp = true;
    EXPECT_EQ(Watched({probe(dns)}, 60ms).one().why, "connection closed");
}

TEST(DnsProbe, RefusesAServerThatIsNoAddress) {
    for (const auto* server : {"ns.test", "10.0.0.1:x", ""}) {
        DnsProbe dns;
        dns.server = server;
        dns.query = "db.test";
        EXPECT_THROW(Watched({probe(dns)}, 1ms), Misuse) << server;
    }
}

}  // namespace
