// Conversations between a checker and a checked host, packet by packet, on the real programs (BPF_PROG_TEST_RUN).
#include "injector/health.h"

#include <gtest/gtest.h>

#include <string>

#include "injector/kernel/error.h"
#include "tests/bpf/checks.h"

namespace blackstart {
namespace {

using packet::Bytes;
using std::chrono::milliseconds;
using std::chrono::seconds;

TEST_F(Health, ACheckIsAnsweredWithTheStatusOnBothSidesAndFamilies) {
    arm(fault_of());
    std::uint16_t port = 40000;
    for (const auto& flow : {v4, v6})
        for (const auto side : {Side::checked, Side::checking}) {
            Connection connection{.flow = flow, .side = side};
            connection.flow.source_port = port++;
            EXPECT_EQ(connection.ask(health_check), failing);
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
    EXPECT_EQ(elsewhere.ask(health_check), ok);
    Connection client_port{.flow = {.source_port = 8080, .destination_port = 9000}};
    EXPECT_EQ(client_port.ask(health_check), ok);
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
        EXPECT_EQ(connection.ask(health_check), failing);
        EXPECT_EQ(connection.ask(data), ok);
        EXPECT_EQ(connection.ask("POST /data HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello"), ok);
    }
    expect_tally(3, 3);
}

TEST_F(Health, ARetransmittedAnswerIsRewrittenAlikeAndCountedOnce) {
    arm(fault_of());
    Connection connection;
    connection.send(health_check);
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
    connection.send(health_check);
    connection.client -= static_cast<std::uint32_t>(health_check.size());
    connection.send(health_check);
    connection.server += 10;  // and with a newer ack
    connection.client -= static_cast<std::uint32_t>(health_check.size());
    connection.send(health_check);
    connection.server -= 10;
    EXPECT_EQ(connection.answer(ok), failing);
    EXPECT_EQ(connection.ask(health_check), ok);
    EXPECT_EQ(connection.ask(health_check), failing);
    expect_tally(3, 2);
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
    EXPECT_EQ(connection.ask(health_check), ok);
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
    EXPECT_EQ(connection.ask(health_check, failing), failing);
    expect_tally(1, 0);
}

TEST_F(Health, AFailingCheckCanBeShownAsPassing) {
    auto fault = fault_of();
    fault.status = 200;
    arm(fault);
    Connection connection;
    EXPECT_EQ(connection.ask(health_check, failing), ok);
}

TEST_F(Health, ATimeoutDropsTheAnswerAndWhatFollowsButNoBareAck) {
    arm(fault_of(HealthFault::Result::timeout));
    for (const auto side : {Side::checked, Side::checking}) {
        const int dropped = side == Side::checked ? kRedirect : kShot;
        Connection connection{.flow = v6, .side = side};
        connection.flow.source_port = static_cast<std::uint16_t>(40000 + dropped);
        connection.send(health_check);
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
            connection.send(health_check);
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

TEST_F(Health, AResetIsSentFourTimesThenTheClientResetsTheServer) {
    arm(fault_of(HealthFault::Result::reset));
    Connection connection;
    connection.send(health_check);
    for (int i = 0; i < 4; i++) EXPECT_NE(connection.arrive(connection.to_client(ok), false).frame, connection.to_client(ok)) << i;
    connection.untouched(connection.to_client(ok), false);
    expect_tally(1, 1);
}

TEST_F(Health, ACycleByCountIsKeptForEachCheckerAndBackend) {
    arm(fault_of(), by_count(3, 2));
    Connection one, another{.flow = {.source = "10.0.0.9", .source_port = 40000, .destination_port = 8080}};
    for (int i = 0; i < 10; i++) {
        const auto expected = i % 5 < 3 ? failing : ok;
        EXPECT_EQ(one.ask(health_check), expected) << i;
        EXPECT_EQ(another.ask(health_check), expected) << i;
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
    connection.send(health_check);
    ::usleep(250'000);
    EXPECT_EQ(connection.answer(ok), failing);
    EXPECT_EQ(connection.ask(health_check), ok);
    expect_tally(1, 1);
}

TEST_F(Health, AShareOfTheChecksFailsBySeed) {
    Terms terms;
    terms.probability = 0.3;
    terms.seed = 7;
    arm(fault_of(), terms);
    Connection connection;
    int failed = 0;
    for (int i = 0; i < 1000; i++) failed += connection.ask(health_check) == failing;
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
        EXPECT_EQ(connection.ask(health_check), lied ? failing : ok) << source;
    }
    expect_tally(3, 3);
}

TEST_F(Health, AConnectionUnderTlsIsToldOnce) {
    const std::string hello("\x16\x03\x01\x00\x20\x01 and so on", 15), later("\x17\x03\x03\x00\x20 secret", 12);
    for (const bool grpc : {false, true}) {
        auto fault = fault_of(grpc ? HealthFault::Result::not_serving : HealthFault::Result::status);
        if (grpc) fault.protocol = HealthFault::Protocol::grpc;
        if (grpc) fault.path = "";
        fault.from = {"10.0.0.0/24", "fd00::/64"};
        arm(fault);
        Connection fresh, older{.flow = v6}, plain, other{.flow = {.source = "10.0.9.1", .source_port = 40000, .destination_port = 8080}};
        fresh.untouched(fresh.to_server("", packet::SYN), true);
        fresh.client++;
        fresh.ask(hello, later);
        fresh.ask(later, later);
        older.send(later);
        older.send(later);
        plain.flow.source_port++;
        plain.send(data);
        other.send(hello);
        EXPECT_EQ(injection->tally().encrypted, 2U);
    }
}

TEST_F(Health, EveryIPv6AddressIsNoIPv4Address) {
    auto fault = fault_of();
    fault.from = {"::/0"};
    arm(fault);
    EXPECT_EQ(Connection{}.ask(health_check), ok);
    EXPECT_EQ(Connection{.flow = v6}.ask(health_check), failing);
}

TEST_F(Health, NothingIsChangedAfterTheEndOrTheLease) {
    Terms terms;
    terms.lease = milliseconds(100);
    arm(fault_of(HealthFault::Result::timeout), terms);
    Connection connection;
    connection.send(health_check);
    EXPECT_EQ(connection.arrive(connection.to_client(ok), false).verdict, kRedirect);
    ::usleep(150'000);
    connection.untouched(connection.to_client(ok), false);
    EXPECT_EQ(connection.answer(ok), ok);
    EXPECT_EQ(connection.ask(health_check), ok);
    EXPECT_FALSE(injection->renew());
    EXPECT_TRUE(injection->tally().lapsed);
    expect_tally(1, 1);
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
