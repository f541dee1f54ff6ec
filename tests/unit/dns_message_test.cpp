#include "probes/dns_message.h"

#include <random>

#include "injector/kernel/error.h"
#include "probes/sockets.h"
#include "servers.h"

using namespace blackstart;
using namespace blackstart::testing;

namespace {

using Set = std::vector<std::string>;

Bytes text(const std::string& s) {
    Bytes bytes{static_cast<std::uint8_t>(s.size())};
    for (const char c : s) bytes.push_back(static_cast<std::uint8_t>(c));
    return bytes;
}

Bytes name(std::initializer_list<const char*> labels) {
    Bytes bytes;
    for (const auto* label : labels) {
        const auto one = text(label);
        bytes.insert(bytes.end(), one.begin(), one.end());
    }
    bytes.push_back(0);
    return bytes;
}

Bytes operator+(Bytes a, const Bytes& b) {
    a.insert(a.end(), b.begin(), b.end());
    return a;
}

Set answers(std::uint16_t type, const std::vector<Record>& records) {
    const auto query = dns_query("db.test", type);
    const auto parse = parse_reply(dns_reply(query, 0, records), query);
    return parse.reply ? parse.reply->answers : Set{"no reply"};
}

TEST(DnsMessage, AsksOneQuestionWithEdns) {
    const auto query = dns_query("Db.Test.", 28);
    const Bytes header{0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1};
    const Bytes edns{0, 0, 41, 1232 >> 8, 1232 & 0xff, 0, 0, 0, 0, 0, 0};
    EXPECT_EQ(query, (header + name({"Db", "Test"}) + Bytes{0, 28, 0, 1} + edns));
    EXPECT_THROW(dns_query("a..b", 1), Misuse);
    EXPECT_THROW(dns_query(std::string(64, 'a') + ".test", 1), Misuse);
}

TEST(DnsMessage, WritesEachTypeInOneWay) {
    EXPECT_EQ(answers(1, {{1, {10, 0, 0, 2}}, {1, {10, 0, 0, 10}}}), (Set{"10.0.0.10", "10.0.0.2"}));
    EXPECT_EQ(answers(28, {{28, {0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}}}), (Set{"fd00::1"}));
    EXPECT_EQ(answers(5, {{5, name({"Web", "Test"})}}), (Set{"web.test"}));
    EXPECT_EQ(answers(15, {{15, Bytes{0, 10} + name({"mail", "test"})}}), (Set{"10 mail.test"}));
    EXPECT_EQ(answers(33, {{33, Bytes{0, 1, 0, 2, 0, 80} + name({"a", "test"})}}), (Set{"1 2 80 a.test"}));
    EXPECT_EQ(answers(16, {{16, text("gen=") + text("7 \"q\"")}}), (Set{"gen=7 \"q\""}));
    EXPECT_EQ(answers(16, {{16, text("")}}), (Set{""}));
}

TEST(DnsMessage, TakesOnlyTheAskedTypeAndEachAnswerOnce) {
    EXPECT_EQ(answers(1, {{5, name({"x"})}, {1, {1, 1, 1, 1}}, {1, {1, 1, 1, 1}}, {28, Bytes(16)}}), (Set{"1.1.1.1"}));
    EXPECT_EQ(answers(255, {{5, name({"x"})}, {1, {1, 1, 1, 1}}}), (Set{"1.1.1.1", "x"}));
}

TEST(DnsMessage, ComparesQuestionsWhateverTheCaseOfTheirLetters) {
    const auto query = dns_query("db.test", 1);
    auto reply = dns_reply(dns_query("DB.TEST", 1), 0, {{1, {1, 1, 1, 1}}});
    EXPECT_TRUE(parse_reply(reply, query).reply);
    for (const auto& other : {dns_query("dc.test", 1), dns_query("db.test", 28), dns_query("db.tes", 1), dns_query("a.db.test", 1)})
        EXPECT_FALSE(parse_reply(dns_reply(other, 0, {}), query).reply);
}

TEST(DnsMessage, LooksAtNothingThatDoesNotAnswerTheQuery) {
    const auto query = dns_query("db.test", 1);
    auto other_id = dns_reply(query, 0, {});
    other_id[1] ^= 1;
    EXPECT_EQ(parse_reply(other_id, query).problem, NotAReply::other);
    EXPECT_FALSE(parse_reply(other_id, query).reply);
    EXPECT_FALSE(parse_reply(query, query).reply);  // a query, not a response
    EXPECT_FALSE(parse_reply({}, query).reply);
    EXPECT_FALSE(parse_reply(Bytes{0, 0, 0x80, 0, 0, 1, 0, 0, 0, 0, 0, 0}, query).reply);
}

TEST(DnsMessage, TakesAnErrorWithoutItsQuestion) {
    const auto query = dns_query("db.test", 1);
    const auto parse = parse_reply(Bytes{0, 0, 0x80, 1, 0, 0, 0, 0, 0, 0, 0, 0}, query);
    ASSERT_TRUE(parse.reply);
    EXPECT_EQ(rcode_name(parse.reply->rcode), "formerr");
}

TEST(DnsMessage, CallsABrokenAnswerMalformed) {
    const auto query = dns_query("db.test", 1);
    auto reply = dns_reply(query, 0, {{1, {1, 1, 1, 1}}});
    reply.resize(reply.size() - 2);
    EXPECT_FALSE(parse_reply(reply, query).reply);
    EXPECT_EQ(parse_reply(reply, query).problem, NotAReply::malformed);
}

TEST(DnsMessage, SurvivesRandomAnswers) {
    const auto query = dns_query("db.test", 1);
    std::mt19937 random(1);
    for (int round = 0; round < 20'000; ++round) {
        auto reply = dns_reply(query, 0, {{5, name({"x", "y"})}, {1, {1, 1, 1, 1}}, {16, text("abc")}});
        for (int flips = 0; flips < 3; ++flips) reply[12 + random() % (reply.size() - 12)] = static_cast<std::uint8_t>(random());
        reply.resize(12 + random() % (reply.size() - 11));
        (void)parse_reply(reply, query);
    }
}

TEST(DnsMessage, NormalizesWhatAUserExpects) {
    EXPECT_EQ(normal_answer("FD00:0::1", 28), "fd00::1");
    EXPECT_EQ(normal_answer("Web.Test.", 5), "web.test");
    EXPECT_EQ(normal_answer("10 Mail.Test.", 15), "10 mail.test");
    EXPECT_EQ(normal_answer("0 .", 15), "0 .");
    EXPECT_EQ(normal_answer("A Text.", 16), "A Text.");
    EXPECT_EQ(normal_answer("not an address", 1), "not an address");
    EXPECT_EQ(rcode_name(3), "nxdomain");
    EXPECT_EQ(rcode_name(11), "rcode 11");
}

TEST(Endpoints, AreSplitAsUsersWriteThem) {
    const auto split = [](const char* at, std::optional<std::uint16_t> port) {
        const auto parts = split_host_port(at, port);
        return parts ? parts->host + " " + std::to_string(parts->port) : "none";
    };
    EXPECT_EQ(split("10.0.0.1:80", std::nullopt), "10.0.0.1 80");
    EXPECT_EQ(split("10.0.0.1", 53), "10.0.0.1 53");
    EXPECT_EQ(split("[fd00::1]:80", 53), "fd00::1 80");
    EXPECT_EQ(split("[fd00::1]", 53), "fd00::1 53");
    EXPECT_EQ(split("fd00::1", 53), "fd00::1 53");
    EXPECT_EQ(split("web:http", std::nullopt), "none");
    EXPECT_EQ(split("web", std::nullopt), "none");
    EXPECT_EQ(split("web:", 53), "none");
    EXPECT_EQ(split("[::1", 53), "none");
    EXPECT_EQ(split("[::1]x", 53), "none");
    EXPECT_EQ(split("[::1]:", 53), "none");
    EXPECT_EQ(split("web:65536", 53), "none");
    EXPECT_EQ(split("web:0", 53), "none");
    EXPECT_EQ(split(":80", 53), "none");
    EXPECT_FALSE(endpoint("web", 1));
    EXPECT_EQ(endpoint("::1", 1)->family(), AF_INET6);
}

}  // namespace
