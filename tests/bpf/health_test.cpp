// Conversations between a checker and a checked host, packet by packet, on the real programs (BPF_PROG_TEST_RUN).
#include "injector/health.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "injector/kernel/error.h"
#include "tests/bpf/conversation.h"

namespace blackstart {
namespace {

using packet::Bytes;
using packet::Flow;
using packet::text;
using std::chrono::milliseconds;
using std::chrono::seconds;

const Flow v4{.source_port = 40000, .destination_port = 8080};
const Flow v6{.source = "fd00::1", .destination = "fd00::2", .source_port = 40000, .destination_port = 8080};

const std::string check = "GET /healthz HTTP/1.1\r\nHost: web\r\n\r\n";
const std::string data = "GET /data HTTP/1.1\r\nHost: web\r\n\r\n";
const std::string failing = "HTTP/1.1 503 OK\r\nContent-Length: 2\r\n\r\nok";
const std::string haproxy = "OPTIONS / HTTP/1.0\r\n\r\n";

struct Health : Conversation {};

HealthFault fault_of(HealthFault::Result result = HealthFault::Result::status) {
    HealthFault fault;
    fault.ports = {8080};
    fault.path = "/healthz";
    fault.result = result;
    return fault;
}

Terms by_count(std::uint32_t fail, std::uint32_t pass) {
    Terms terms;
    terms.cycle.emplace();
    terms.cycle->fail = fail;
    terms.cycle->pass = pass;
    return terms;
}

TEST_F(Health, ACheckIsAnsweredWithTheStatusOnBothSidesAndFamilies) {
    arm(fault_of());
    std::uint16_t port = 40000;
    for (const auto& flow : {v4, v6})
        for (const auto side : {Side::checked, Side::checking}) {
            Connection connection{.flow = flow, .side = side};
            connection.flow.source_port = port++;
            EXPECT_EQ(connection.ask(check), failing);
        }
    expect_tally(4, 4);
}

TEST_F(Health, OtherPathsPortsAndRequestsAreUntouched) {
    arm(fault_of());
    Connection connection;
    for (const std::string target : {"/", "/healthzzz", "/health", "/healthz/", "/x/healthz", "/HEALTHZ", "*"})
        EXPECT_EQ(connection.ask("GET " + target + " HTTP/1.1\r\n\r\n"), ok) << target;
    EXPECT_EQ(connection.ask("get /healthz HTTP/1.1\r\n\r\n"), ok);
    EXPECT_EQ(connection.ask("\x16\x03\x01 GET /healthz HTTP/1.1\r\n\r\n"), ok);
    Connection elsewhere{.flow = {.source_port = 40001, .destination_port = 8081}};
    EXPECT_EQ(elsewhere.ask(check), ok);
    Connection client_port{.flow = {.source_port = 8080, .destination_port = 9000}};
    EXPECT_EQ(client_port.ask(check), ok);
    expect_tally(0, 0);
}

TEST_F(Health, EveryMethodAndTheQueryMatch) {
    arm(fault_of());
    Connection connection;
    for (const std::string method : {"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"})
        EXPECT_EQ(connection.ask(method + " /healthz?full=1 HTTP/1.0\r\n\r\n"), failing) << method;
    expect_tally(8, 8);
}

TEST_F(Health, AStarMakesThePathAPrefix) {
    auto fault = fault_of();
    fault.path = "/health*";
    arm(fault);
    Connection connection;
    EXPECT_EQ(connection.ask("GET /healthzzz HTTP/1.1\r\n\r\n"), failing);
    EXPECT_EQ(connection.ask("GET /health HTTP/1.1\r\n\r\n"), failing);
    EXPECT_EQ(connection.ask("GET /healt HTTP/1.1\r\n\r\n"), ok);
}

TEST_F(Health, WithoutAPathEveryRequestMatchesHAProxysToo) {
    auto fault = fault_of();
    fault.path = "";
    arm(fault);
    Connection connection;
    EXPECT_EQ(connection.ask(haproxy), failing);
    EXPECT_EQ(connection.ask("OPTIONS * HTTP/1.1\r\n\r\n"), failing);
    EXPECT_EQ(connection.ask(data), failing);
    EXPECT_EQ(connection.ask("NOT HTTP at all\r\n\r\n"), ok);
}

TEST_F(Health, ALongPathIsComparedToItsEnd) {
    auto fault = fault_of();
    fault.path = "/" + std::string(250, 'a') + "b";
    arm(fault);
    Connection connection;
    EXPECT_EQ(connection.ask("GET " + fault.path + " HTTP/1.1\r\n\r\n"), failing);
    fault.path.back() = 'c';
    EXPECT_EQ(connection.ask("GET " + fault.path + " HTTP/1.1\r\n\r\n"), ok);
}

TEST_F(Health, OneKeepAliveConnectionCarriesChecksAndData) {
    arm(fault_of());
    Connection connection;
    for (int i = 0; i < 3; i++) {
        EXPECT_EQ(connection.ask(check), failing);
        EXPECT_EQ(connection.ask(data), ok);
        EXPECT_EQ(connection.ask("POST /data HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello"), ok);
    }
    expect_tally(3, 3);
}

TEST_F(Health, ARetransmittedAnswerIsRewrittenAlikeAndCountedOnce) {
    arm(fault_of());
    Connection connection;
    connection.send(check);
    const auto before = connection.server;
    for (int i = 0; i < 3; i++) {
        connection.server = before;
        EXPECT_EQ(connection.answer(ok), failing);
    }
    // sent again in one packet with what came before it
    connection.server = before - 7;
    EXPECT_EQ(connection.answer("earlier" + ok), "earlier" + failing);
    expect_tally(1, 1);
}

TEST_F(Health, ARetransmittedRequestDrawsNothingAgain) {
    arm(fault_of(), by_count(1, 1));
    Connection connection;
    connection.send(check);
    connection.client -= static_cast<std::uint32_t>(check.size());
    connection.send(check);
    connection.server += 10;  // and with a newer ack
    connection.client -= static_cast<std::uint32_t>(check.size());
    connection.send(check);
    connection.server -= 10;
    EXPECT_EQ(connection.answer(ok), failing);
    EXPECT_EQ(connection.ask(check), ok);
    EXPECT_EQ(connection.ask(check), failing);
    expect_tally(3, 2);
}

TEST_F(Health, AnAnswerAnywhereInAMergedPacketIsFoundAtOddOffsetsToo) {
    arm(fault_of());
    for (const std::size_t offset : {1U, 2U, 3U, 700U, 1301U}) {
        Connection connection;
        connection.flow.source_port = static_cast<std::uint16_t>(41000U + offset);
        connection.send(check);
        connection.server -= static_cast<std::uint32_t>(offset);
        const std::string earlier(offset, 'x');
        EXPECT_EQ(connection.answer(earlier + ok), earlier + failing);
    }
}

TEST_F(Health, SequenceNumbersWrapAround) {
    arm(fault_of());
    Connection connection{.client = 0xfffffff0U, .server = 0xfffffff8U};
    for (int i = 0; i < 3; i++) {
        EXPECT_EQ(connection.ask(check), failing);
        EXPECT_EQ(connection.ask(data), ok);
    }
}

TEST_F(Health, AHugeDownloadOrUploadBetweenChecksHidesNone) {
    arm(fault_of());
    Connection connection;
    EXPECT_EQ(connection.ask(data), ok);
    for (int i = 0; i < 7; i++) {  // 3.5 GiB
        connection.server += 0x20000000U;
        connection.answer("more of the same response");
    }
    EXPECT_EQ(connection.ask(check), failing);
    connection.send("POST /data HTTP/1.1\r\n\r\n");
    for (int i = 0; i < 7; i++) {
        connection.client += 0x20000000U;
        connection.send("more of the body");
    }
    EXPECT_EQ(connection.answer(ok), ok);
    EXPECT_EQ(connection.ask(check), failing);
    expect_tally(2, 2);
}

TEST_F(Health, AKeepAliveProbeIsNoRequest) {
    arm(fault_of());
    Connection connection;
    EXPECT_EQ(connection.ask(data), ok);
    connection.client -= 1;
    connection.send("\n");
    EXPECT_EQ(connection.ask(check), failing);
}

TEST_F(Health, ReusedPortsStartAnew) {
    arm(fault_of());
    Connection connection{.client = 3'000'000'000U, .server = 3'000'000'000U};
    EXPECT_EQ(connection.ask(check), failing);
    Connection again{.client = 10, .server = 20};
    again.untouched(again.to_server("", packet::SYN), true);
    EXPECT_EQ(again.ask(check), failing);
}

TEST_F(Health, APipelinedCheckIsUnseenAndTheConnectionIsLeftAloneFromThere) {
    arm(fault_of());
    Connection connection;
    connection.send(data);
    connection.send(check);
    EXPECT_EQ(connection.answer(ok), ok);
    EXPECT_EQ(connection.answer(ok), ok);
    EXPECT_EQ(connection.ask(check), ok);
    expect_tally(0, 0, 2);
}

TEST_F(Health, RequestsInOneSegmentAreToldApartFromABody) {
    arm(fault_of());
    Connection glued;
    glued.send(data + check);
    glued.answer(ok);
    EXPECT_EQ(glued.ask(check), ok);  // whose answer this is cannot be known
    expect_tally(0, 0, 2);
    Connection body{.flow = {.source_port = 40001, .destination_port = 8080}};
    EXPECT_EQ(body.ask("POST /healthz HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello"), failing);
    EXPECT_EQ(body.ask(check), failing);
}

TEST_F(Health, AnUploadThatHoldsARequestIsNoCheck) {
    arm(fault_of());
    Connection connection;
    connection.send("PUT /file HTTP/1.1\r\nContent-Length: 1000\r\n\r\n");
    connection.send(check);
    EXPECT_EQ(connection.answer(ok), ok);
    EXPECT_EQ(injection->tally().matched, 0U);
}

TEST_F(Health, AfterAnInterimResponseTheBodyIsNoCheckAndTheFinalAnswerIsTheOneChanged) {
    arm(fault_of());
    const std::string interim = "HTTP/1.1 100 Continue\r\n\r\n";
    Connection upload;
    upload.send("PUT /file HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 1000\r\n\r\n");
    EXPECT_EQ(upload.answer(interim), interim);
    upload.send(check);
    EXPECT_EQ(upload.answer(ok), ok);

    Connection checked{.flow = {.source_port = 40001, .destination_port = 8080}};
    checked.send("POST /healthz HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
    EXPECT_EQ(checked.answer(interim), interim);
    checked.send("hello");
    EXPECT_EQ(checked.answer(ok), failing);

    Connection merged{.flow = {.source_port = 40002, .destination_port = 8080}};
    const std::string hints = "HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n";
    EXPECT_EQ(merged.ask(check, interim + hints + ok), interim + hints + failing);
    merged.server -= static_cast<std::uint32_t>((interim + hints + ok).size());
    EXPECT_EQ(merged.answer(interim + hints + ok), interim + hints + failing);  // alike
    expect_tally(2, 2, 1);                                                      // the upload's segment looked like a pipelined request
}

TEST_F(Health, AnInterimResponseThatIsCutLeavesTheConnectionUnseen) {
    arm(fault_of());
    const std::string hints = "HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n";
    Connection connection;
    EXPECT_EQ(connection.ask(data, hints), hints);
    EXPECT_EQ(connection.answer("\r\n" + ok), "\r\n" + ok);
    EXPECT_EQ(connection.ask(check), ok);
    expect_tally(0, 0, 1);
}

TEST_F(Health, AConnectionThatSwitchedProtocolsIsLeftAlone) {
    arm(fault_of());
    Connection connection;
    const std::string switched = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n";
    EXPECT_EQ(connection.ask("GET /chat HTTP/1.1\r\nUpgrade: x\r\n\r\n", switched), switched);
    EXPECT_EQ(connection.ask(check), ok);
    expect_tally(0, 0);
}

TEST_F(Health, ARequestCutIntoSegmentsPassesUnseen) {
    arm(fault_of());
    Connection connection;
    connection.send(check.substr(0, 9));
    connection.send(check.substr(9));
    EXPECT_EQ(connection.answer(ok), ok);
    expect_tally(0, 0, 1);
}

TEST_F(Health, HeadersInLaterSegmentsDoNotMatter) {
    arm(fault_of());
    Connection connection;
    connection.send(check.substr(0, 23));
    connection.send(check.substr(23));
    EXPECT_EQ(connection.answer(ok), failing);
}

TEST_F(Health, AStatusLineCutIntoSegmentsPassesUnseen) {
    arm(fault_of());
    Connection connection;
    connection.send(check);
    EXPECT_EQ(connection.answer(ok.substr(0, 10)), ok.substr(0, 10));
    EXPECT_EQ(connection.answer(ok.substr(10)), ok.substr(10));
    expect_tally(1, 0, 1);
}

TEST_F(Health, WhatIsNoHttpResponseIsNeverChanged) {
    arm(fault_of());
    Connection connection;
    EXPECT_EQ(connection.ask(check, "HTTQ/1.1 200 OK\r\n\r\n"), "HTTQ/1.1 200 OK\r\n\r\n");
    EXPECT_EQ(connection.ask(check, "HTTP/1.1 2x0 OK\r\n\r\n"), "HTTP/1.1 2x0 OK\r\n\r\n");
    expect_tally(2, 0, 2);
}

TEST_F(Health, ANoContentAnswerGetsALengthInThePlaceOfItsDate) {
    arm(fault_of());
    const std::string date = "Date: Tue, 15 Nov 1994 08:12:31 GMT", length = "Content-Length: 0                  ";
    for (const std::string server : {"a", "ab"}) {  // at even and odd offsets
        const auto rest = [&](const std::string& field) { return "No Content\r\nServer: " + server + "\r\n" + field + "\r\nX: y\r\n\r\n"; };
        Connection connection;
        connection.flow.source_port = static_cast<std::uint16_t>(40000U + server.size());
        connection.send(check);
        for (int i = 0; i < 2; i++) {
            EXPECT_EQ(connection.answer("HTTP/1.1 204 " + rest(date)), "HTTP/1.1 503 " + rest(length));
            connection.server -= static_cast<std::uint32_t>(13 + rest(date).size());
        }
    }
    expect_tally(2, 2);
}

TEST_F(Health, AnswersThatCannotBeFramedPassUnseen) {
    arm(fault_of());
    Connection connection;
    for (const std::string answer : {"HTTP/1.1 204 No Content\r\nServer: x\r\n\r\n",
                                     "HTTP/1.1 204 No Content\r\nServer: x\r\n\r\nDate: Tue, 15 Nov 1994 08:12:31 GMT\r\n",
                                     "HTTP/1.1 204 No Content\r\nDate: Tuesday, 15-Nov-94 08:12:31 GMT\r\n\r\n",
                                     "HTTP/1.1 304 Not Modified\r\nDate: Tue, 15 Nov 1994 08:12:31 GMT\r\n\r\n"})
        EXPECT_EQ(connection.ask(check, answer), answer);
    expect_tally(4, 0, 4);
}

TEST_F(Health, OnlyTheAgentAskedForIsLiedTo) {
    const auto from = [](const std::string& field) { return "GET /healthz HTTP/1.1\r\nHost: web\r\n" + field + "\r\nAccept: */*\r\n\r\n"; };
    auto fault = fault_of();
    fault.agent = "kube-probe/*";
    arm(fault);
    Connection connection;
    EXPECT_EQ(connection.ask(from("User-Agent: kube-probe/1.27")), failing);
    EXPECT_EQ(connection.ask(from("user-agent:kube-probe/1.27")), failing);
    EXPECT_EQ(connection.ask(from("User-Agent: curl/8.0")), ok);
    EXPECT_EQ(connection.ask(from("X-User-Agent: kube-probe/1.27")), ok);
    EXPECT_EQ(connection.ask(check), ok);
    EXPECT_EQ(connection.ask(from("X: " + std::string(900, 'x') + "\r\nUser-Agent: kube-probe/1.27")), failing);
    expect_tally(3, 3);
    connection.send(from("User-Agent: kube-").substr(0, 50));  // the value is cut
    expect_tally(3, 3, 1);

    fault.agent = "ELB-HealthChecker/2.0";
    arm(fault);
    Connection exact;
    EXPECT_EQ(exact.ask(from("User-Agent: ELB-HealthChecker/2.0")), failing);
    EXPECT_EQ(exact.ask(from("User-Agent: ELB-HealthChecker/2.00")), ok);
}

TEST_F(Health, AnAnswerThatIsAsAskedAlreadyIsNoHit) {
    arm(fault_of());
    Connection connection;
    EXPECT_EQ(connection.ask(check, failing), failing);
    expect_tally(1, 0);
}

TEST_F(Health, AFailingCheckCanBeShownAsPassing) {
    auto fault = fault_of();
    fault.status = 200;
    arm(fault);
    Connection connection;
    EXPECT_EQ(connection.ask(check, failing), ok);
}

TEST_F(Health, ATimeoutDropsTheAnswerAndWhatFollowsButNoBareAck) {
    arm(fault_of(HealthFault::Result::timeout));
    for (const auto side : {Side::checked, Side::checking}) {
        const int dropped = side == Side::checked ? kRedirect : kShot;
        Connection connection{.flow = v6, .side = side};
        connection.flow.source_port = static_cast<std::uint16_t>(40000 + dropped);
        connection.send(check);
        connection.untouched(connection.to_client("", packet::ACK), false);
        for (int i = 0; i < 2; i++) EXPECT_EQ(connection.arrive(connection.to_client(ok), false).verdict, dropped);
        connection.server += 1000;
        EXPECT_EQ(connection.arrive(connection.to_client("the rest"), false).verdict, dropped);
        connection.untouched(connection.to_client("", packet::ACK | packet::FIN), false);
        Connection other{.flow = v6, .side = side};
        other.flow.source_port = static_cast<std::uint16_t>(50000 + dropped);
        EXPECT_EQ(other.ask(data), ok);
    }
    expect_tally(2, 2);
}

TEST_F(Health, AResetTakesTheAnswersPlace) {
    arm(fault_of(HealthFault::Result::reset));
    std::uint16_t port = 40000;
    for (const auto& flow : {v4, v6})
        for (const auto& size : {0U, 1U, 1000U, 1400U}) {
            Connection connection{.flow = flow};
            connection.flow.source_port = port++;
            connection.send(check);
            const auto out = connection.arrive(connection.to_client(ok + std::string(size, 'x')), false);
            EXPECT_EQ(out.verdict, kNext);
            EXPECT_EQ(packet::damage(out.frame, kTcp), "");
            Bytes expected = connection.to_client("", packet::RST | packet::ACK);
            const auto l4 = packet::upper_at(expected);
            packet::put16(expected, l4 + 14, 0);  // window
            EXPECT_EQ(Bytes(out.frame.begin(), out.frame.begin() + static_cast<std::ptrdiff_t>(l4 + 14)),
                      Bytes(expected.begin(), expected.begin() + static_cast<std::ptrdiff_t>(l4 + 14)));
            EXPECT_EQ(out.frame.size(), expected.size());
        }
    expect_tally(8, 8);
}

TEST_F(Health, AResetIsSentTwiceThenTheClientResetsTheServer) {
    arm(fault_of(HealthFault::Result::reset));
    Connection connection;
    connection.send(check);
    for (int i = 0; i < 2; i++) EXPECT_NE(connection.arrive(connection.to_client(ok), false).frame, connection.to_client(ok));
    connection.untouched(connection.to_client(ok), false);
    expect_tally(1, 1);
}

TEST_F(Health, ACycleByCountIsKeptForEachCheckerAndBackend) {
    arm(fault_of(), by_count(3, 2));
    Connection one, another{.flow = {.source = "10.0.0.9", .source_port = 40000, .destination_port = 8080}};
    for (int i = 0; i < 10; i++) {
        const auto expected = i % 5 < 3 ? failing : ok;
        EXPECT_EQ(one.ask(check), expected) << i;
        EXPECT_EQ(another.ask(check), expected) << i;
        one.flow.source_port++;  // a checker's next connection
        EXPECT_EQ(one.ask(data), ok);
    }
    expect_tally(20, 12);
}

TEST_F(Health, ACycleByTimeKeepsItsDecisionForAnAnswerThatComesInThePause) {
    Terms terms;
    terms.cycle.emplace();
    terms.cycle->on = milliseconds(200);
    terms.cycle->off = seconds(50);
    arm(fault_of(), terms);
    Connection connection;
    connection.send(check);
    ::usleep(250'000);
    EXPECT_EQ(connection.answer(ok), failing);
    EXPECT_EQ(connection.ask(check), ok);
    expect_tally(1, 1);
}

TEST_F(Health, AShareOfTheChecksFailsBySeed) {
    Terms terms;
    terms.probability = 0.3;
    terms.seed = 7;
    arm(fault_of(), terms);
    Connection connection;
    int failed = 0;
    for (int i = 0; i < 1000; i++) failed += connection.ask(check) == failing;
    EXPECT_GT(failed, 250);
    EXPECT_LT(failed, 350);
    expect_tally(1000, static_cast<std::uint64_t>(failed));
}

TEST_F(Health, OnlyTheCheckersNamedInFromAreLiedTo) {
    auto fault = fault_of();
    fault.from = {"10.0.0.0/24", "fd00::1"};
    arm(fault);
    for (const auto& [source, lied] :
         {std::pair{"10.0.0.1", true}, {"10.0.1.1", false}, {"fd00::1", true}, {"fd00::3", false}, {"10.0.0.255", true}}) {
        Connection connection;
        connection.flow.source = source;
        if (connection.flow.v6()) connection.flow.destination = "fd00::2";
        EXPECT_EQ(connection.ask(check), lied ? failing : ok) << source;
    }
    expect_tally(3, 3);
}

TEST_F(Health, EveryIPv6AddressIsNoIPv4Address) {
    auto fault = fault_of();
    fault.from = {"::/0"};
    arm(fault);
    EXPECT_EQ(Connection{}.ask(check), ok);
    EXPECT_EQ(Connection{.flow = v6}.ask(check), failing);
}

TEST_F(Health, NothingIsChangedAfterTheEndOrTheLease) {
    Terms terms;
    terms.lease = milliseconds(100);
    arm(fault_of(HealthFault::Result::timeout), terms);
    Connection connection;
    connection.send(check);
    EXPECT_EQ(connection.arrive(connection.to_client(ok), false).verdict, kRedirect);
    ::usleep(150'000);
    connection.untouched(connection.to_client(ok), false);
    EXPECT_EQ(connection.answer(ok), ok);
    EXPECT_EQ(connection.ask(check), ok);
    EXPECT_FALSE(injection->renew());
    EXPECT_TRUE(injection->tally().lapsed);
    expect_tally(1, 1);
}

// Requests sent once or twice, responses cut anywhere behind their status, sent again and merged with what went before.
TEST_F(Health, ARandomConversationChangesTheDigitsOfChecksAndNothingElse) {
    arm(fault_of());
    std::mt19937 random(2);
    const auto below = [&](std::size_t limit) { return random() % limit; };
    Connection connection{.flow = v6, .client = 0xffff0000U, .server = 0xfffe0000U};
    const auto base = connection.server;
    std::string sent, wanted;  // all that the server said, and what the client is to get
    std::uint64_t checks = 0;
    for (int exchange = 0; exchange < 300; exchange++) {
        const bool is_check = below(3) == 0;
        checks += is_check;
        connection.server = base + static_cast<std::uint32_t>(sent.size());
        const auto before = connection.client;
        for (auto times = 1 + below(2); times > 0; times--) {
            connection.client = before;
            connection.send(is_check ? check : data);
        }
        if (!is_check && below(2) == 0) connection.send(std::string(1 + below(1400), 'b'));
        const auto begin = sent.size();
        const std::string body = "HTTP/1.1 200 OK\r\n\r\n" + std::string(30 + below(4000), 'x') + ok;
        sent += "HTTP/1.1 200 OK\r\n\r\n" + body;
        wanted += (is_check ? "HTTP/1.1 503 OK\r\n\r\n" : "HTTP/1.1 200 OK\r\n\r\n") + body;
        for (auto at = begin; at < sent.size();) {
            const auto to = std::min(sent.size(), at + (at == begin ? 12 : 1) + below(1300));
            const auto from = at - (below(3) == 0 ? below(std::min<std::size_t>(at, 30) + 1) : 0);
            for (auto times = 1 + below(2); times > 0; times--) {
                connection.server = base + static_cast<std::uint32_t>(from);
                ASSERT_EQ(connection.answer(sent.substr(from, to - from)), wanted.substr(from, to - from)) << exchange;
            }
            at = to;
        }
    }
    expect_tally(checks, checks);
}

TEST_F(Health, RandomBytesOnThePortPassAsTheyAre) {
    arm(fault_of());
    std::mt19937 random(1);
    for (int i = 0; i < 2000; i++) {
        Connection connection{.client = static_cast<std::uint32_t>(random()), .server = static_cast<std::uint32_t>(random())};
        connection.flow.source_port = static_cast<std::uint16_t>(40000 + random() % 8);
        std::string payload = (random() % 2 ? std::string("HTTP/1.1 200") : std::string("GET /healthy")).substr(0, random() % 13);
        for (auto n = random() % 60; n > 0; n--) payload += static_cast<char>(random() % 256);
        connection.untouched(connection.to_server(payload), true);
        connection.untouched(connection.to_client(payload), false);
    }
    EXPECT_EQ(injection->tally().hits, 0U);
}

TEST_F(Health, WhatCannotBeShownIsRefused) {
    const auto refused = [&](auto change) {
        auto fault = fault_of();
        change(fault);
        EXPECT_THROW(arm(fault), Misuse);
    };
    for (const unsigned status : {100U, 101U, 199U, 204U, 304U, 600U})
        refused([&](HealthFault& fault) { fault.status = static_cast<std::uint16_t>(status); });
    refused([](HealthFault& fault) { fault.ports = {}; });
    refused([](HealthFault& fault) { fault.ports = {0}; });
    refused([](HealthFault& fault) { fault.path = "/a b"; });
    refused([](HealthFault& fault) { fault.path = "/a?b"; });
    refused([](HealthFault& fault) { fault.path = "/a*b"; });
    refused([](HealthFault& fault) { fault.path = "/" + std::string(300, 'a'); });
    refused([](HealthFault& fault) { fault.agent = "*Health*"; });
    refused([](HealthFault& fault) { fault.from = {"checker.test"}; });
    refused([](HealthFault& fault) { fault.protocol = HealthFault::Protocol::tcp; });  // it has a path
    refused([](HealthFault& fault) { fault.result = HealthFault::Result::not_serving; });
}

}  // namespace
}  // namespace blackstart
