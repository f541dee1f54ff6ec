// Connections that begin in HTTP/1.1 and go on in HTTP/2 in clear (RFC 7540 §3.2), on the real programs.
#include "tests/bpf/http2_conversation.h"

namespace blackstart {
namespace {

const std::string switching = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n";

std::string request(const std::string& path, const std::string& fields = "") {
    return "GET " + path + " HTTP/1.1\r\nHost: web.test\r\n" + fields + "\r\n";
}
std::string upgrade(const std::string& path, const std::string& fields = "") {
    return request(path, fields + "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n");
}
std::string said(unsigned stream, const std::string& status) { return headers(stream, status) + body(stream, "ok", kEndStream); }

struct Http2Upgrade : Http2 {
    void told(std::uint16_t status) {
        auto fault = fault_of(HealthFault::Protocol::http2, HealthFault::Result::status);
        fault.status = status;
        arm(fault);
        connect(connection);
    }
    // The client's half of HTTP/2 begins, and it asks for this path on stream 3.
    std::string goes_on(const std::string& path, const std::string& status = "\x88") {
        connection.send(preface);
        return connection.ask(headers(3, method + inserted(4, path)), said(3, status));
    }
};

TEST_F(Http2Upgrade, TheCheckThatUpgradesAndThoseBehindItAreTold) {
    told(500);
    EXPECT_EQ(connection.ask(upgrade("/healthz"), switching + settings + said(1, "\x88")), switching + settings + said(1, "\x8e"));
    EXPECT_EQ(goes_on("/healthz"), said(3, "\x8e"));
    EXPECT_EQ(connection.ask(headers(5, method + inserted(4, "/data")), said(5, "\x88")), said(5, "\x88"));
    EXPECT_EQ(connection.ask(headers(7, method + "\xbf"), said(7, "\x88")), said(7, "\x8e"));
    expect_tally(3, 3);
}

TEST_F(Http2Upgrade, SoItIsOverIpv6AndOnTheCheckingSide) {
    connection.flow.source = "fd00::1";
    connection.flow.destination = "fd00::2";
    connection.side = Side::checking;
    told(404);
    EXPECT_EQ(connection.ask(upgrade("/healthz?deep=1"), switching), switching);
    EXPECT_EQ(connection.answer(settings + headers(1, "\x88")), settings + headers(1, "\x8d"));
    EXPECT_EQ(goes_on("/data"), said(3, "\x88"));
    expect_tally(1, 1);
}

TEST_F(Http2Upgrade, WhatUpgradesAndIsNoCheckIsNotTold) {
    told(500);
    EXPECT_EQ(connection.ask(upgrade("/data"), switching + settings + said(1, "\x88")), switching + settings + said(1, "\x88"));
    EXPECT_EQ(goes_on("/healthz"), said(3, "\x8e"));
    expect_tally(1, 1);
}

TEST_F(Http2Upgrade, TheAgentIsMatchedAsWell) {
    auto fault = fault_of(HealthFault::Protocol::http2, HealthFault::Result::status);
    fault.status = 500;
    fault.agent = "kube-probe/*";
    arm(fault);
    for (const auto& [agent, shown] : {std::pair{"kube-probe/1.27", "\x8e"}, {"curl/7", "\x88"}}) {
        connect(connection);
        const auto asked = upgrade("/healthz", std::string("User-Agent: ") + agent + "\r\n");
        EXPECT_EQ(connection.ask(asked, switching + settings + said(1, "\x88")), switching + settings + said(1, shown));
        connection.flow.source_port++;
    }
    expect_tally(1, 1);
}

TEST_F(Http2Upgrade, WhatIsSentAgainIsChangedAlikeAndCountedOnce) {
    told(500);
    const auto first = connection;
    EXPECT_EQ(connection.ask(upgrade("/healthz"), switching + said(1, "\x88")), switching + said(1, "\x8e"));
    connection = first;
    EXPECT_EQ(connection.ask(upgrade("/healthz"), switching + said(1, "\x88")), switching + said(1, "\x8e"));
    EXPECT_EQ(goes_on("/healthz"), said(3, "\x8e"));
    expect_tally(2, 2);
}

TEST_F(Http2Upgrade, AnAnswerThatOvertakesThe101IsChanged) {
    told(500);
    connection.send(upgrade("/healthz"));
    const auto before = connection.server;
    connection.server += static_cast<std::uint32_t>(switching.size());
    EXPECT_EQ(connection.answer(said(1, "\x88")), said(1, "\x8e"));
    connection.server = before;
    EXPECT_EQ(connection.answer(switching + said(1, "\x88")), switching + said(1, "\x8e"));
    EXPECT_EQ(goes_on("/healthz"), said(3, "\x8e"));
    expect_tally(2, 2);
}

TEST_F(Http2Upgrade, AServerThatStaysWithHttp1IsUnseenAndMayUpgradeLater) {
    told(500);
    EXPECT_EQ(connection.ask(upgrade("/healthz")), ok);
    EXPECT_EQ(connection.ask(request("/healthz")), ok);
    expect_tally(1, 0, 1);
    EXPECT_EQ(connection.ask(upgrade("/healthz"), switching + said(1, "\x88")), switching + said(1, "\x8e"));
    expect_tally(2, 1, 1);
}

TEST_F(Http2Upgrade, ACutHeadAndABodyAreUnseen) {
    told(500);
    const auto cut = upgrade("/healthz").substr(0, 60), whole = upgrade("/healthz") + "body";
    for (const auto& asked : {cut, whole}) {
        EXPECT_EQ(connection.ask(asked, switching + said(1, "\x88")), switching + said(1, "\x88"));
        connection.flow.source_port++;
        connect(connection);
    }
    EXPECT_EQ(connection.ask(upgrade("/data").substr(0, 60), ok), ok);
    EXPECT_EQ(connection.ask(request("/healthz", "Upgrade: websocket\r\nX: h2c\r\n"), ok), ok);
    expect_tally(0, 0, 2);
}

TEST_F(Http2Upgrade, AConnectionOlderThanTheFaultIsFollowedFromTheRequestThatUpgrades) {
    auto fault = fault_of(HealthFault::Protocol::http2, HealthFault::Result::pass);
    arm(fault);
    EXPECT_EQ(connection.ask(upgrade("/healthz"), switching + said(1, "\x8e")), switching + said(1, "\x88"));
    EXPECT_EQ(goes_on("/healthz", "\x8e"), said(3, "\x88"));
    expect_tally(2, 2);
}

TEST_F(Http2Upgrade, ATimeoutLetsThe101ThroughAndHoldsTheAnswer) {
    arm(fault_of(HealthFault::Protocol::http2, HealthFault::Result::timeout));
    connect(connection);
    EXPECT_EQ(connection.ask(upgrade("/healthz"), switching), switching);
    EXPECT_EQ(connection.arrive(connection.to_client(said(1, "\x88")), false).verdict, kRedirect);
    expect_tally(1, 1);
}

TEST_F(Http2Upgrade, ACheckOfHttp1ThatUpgradesIsUnseen) {
    HealthFault fault;
    fault.ports = {8080};
    arm(fault);
    connect(connection);
    EXPECT_EQ(connection.ask(upgrade("/healthz"), switching + said(1, "\x88")), switching + said(1, "\x88"));
    expect_tally(1, 0, 1);
}

}  // namespace
}  // namespace blackstart
