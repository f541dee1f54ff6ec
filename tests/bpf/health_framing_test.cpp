// Where messages begin and end: segments cut and merged, bodies, interim responses, and what cannot be told and passes unseen.
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "tests/bpf/checks.h"

namespace blackstart {
namespace {

struct Framing : Health {};

TEST_F(Framing, APipelinedCheckIsUnseenAndTheConnectionIsLeftAloneFromThere) {
    arm(fault_of());
    Connection connection;
    connection.send(data);
    connection.send(health_check);
    EXPECT_EQ(connection.answer(ok), ok);
    EXPECT_EQ(connection.answer(ok), ok);
    EXPECT_EQ(connection.ask(health_check), ok);
    expect_tally(0, 0, 2);
}

TEST_F(Framing, RequestsInOneSegmentAreToldApartFromABody) {
    arm(fault_of());
    Connection glued;
    glued.send(data + health_check);
    glued.answer(ok);
    EXPECT_EQ(glued.ask(health_check), ok);  // whose answer this is cannot be known
    expect_tally(0, 0, 2);
    Connection body{.flow = {.source_port = 40001, .destination_port = 8080}};
    EXPECT_EQ(body.ask("POST /healthz HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello"), failing);
    EXPECT_EQ(body.ask(health_check), failing);
}

TEST_F(Framing, ACheckThatComesBeforeALostRequestAheadOfItIsUnseenAndNobodysAnswerIsChanged) {
    arm(fault_of());
    std::uint16_t port = 40000;
    for (const bool first : {false, true}) {
        Connection connection{.flow = {.source_port = port++, .destination_port = 8080}};
        connection.untouched(connection.to_server("", packet::SYN), true);
        connection.client++;
        if (!first) connection.ask(data);
        const auto lost = connection.to_server(data);
        connection.client += static_cast<std::uint32_t>(data.size());
        connection.send(health_check);
        connection.send(health_check);
        connection.untouched(lost, true);
        for (int i = 0; i < 3; i++) EXPECT_EQ(connection.answer(ok), ok);
    }
    expect_tally(0, 0, 4);
}

TEST_F(Framing, ACheckWhoseHeadIsLostAndSentAgainBehindItsBodyIsChanged) {
    arm(fault_of());
    std::uint16_t port = 40000;
    const std::string head = "POST /healthz HTTP/1.1\r\nContent-Length: 5\r\n\r\n";
    for (const bool first : {false, true}) {
        Connection connection{.flow = {.source_port = port++, .destination_port = 8080}};
        connection.untouched(connection.to_server("", packet::SYN), true);
        connection.client++;
        if (!first) connection.ask(data);
        const auto lost = connection.to_server(head);
        connection.client += static_cast<std::uint32_t>(head.size());
        connection.send("hel");
        connection.send("lo");
        connection.untouched(lost, true);
        EXPECT_EQ(connection.answer(ok), failing);
        EXPECT_EQ(connection.ask(data), ok);
        EXPECT_EQ(connection.ask(health_check), failing);
    }
    expect_tally(4, 4);
}

// A client that asks on while an answer still comes: the next one begins behind that.
TEST_F(Framing, ACheckBehindARequestThatWasSentDuringAnAnswerIsUnseenAndNobodysAnswerIsChanged) {
    arm(fault_of());
    const std::string begun = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n", rest = "0\r\n\r\n";
    for (const bool on_its_way : {true, false}) {  // when the second request comes, the rest of the first answer has left or not
        Connection connection{.flow = {.source_port = static_cast<std::uint16_t>(40000 + on_its_way), .destination_port = 8080}};
        EXPECT_EQ(connection.ask(data, begun), begun);
        if (on_its_way) connection.answer(rest);
        const auto had = static_cast<std::uint32_t>(on_its_way ? rest.size() : 0);
        connection.server -= had;
        connection.send(data);
        connection.server += had;
        if (!on_its_way) connection.answer(rest);
        connection.send(health_check);
        EXPECT_EQ(connection.answer(ok), ok);
        EXPECT_EQ(connection.answer(ok), ok);
    }
    expect_tally(0, 0, 2);
}

TEST_F(Framing, AnUploadThatIsAnsweredAsItGoesHidesNoCheckBehindIt) {
    arm(fault_of());
    Connection connection;
    connection.send("POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n");
    connection.answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 3; i++) {
        connection.send("4\r\nmore\r\n");
        EXPECT_EQ(connection.answer("4\r\nmore\r\n"), "4\r\nmore\r\n");
    }
    EXPECT_EQ(connection.ask("0\r\n\r\n", "0\r\n\r\n"), "0\r\n\r\n");
    EXPECT_EQ(connection.ask(health_check), failing);
    expect_tally(1, 1);
}

TEST_F(Framing, ACheckWithinASynIsUnseenAndTheNextOneIsChanged) {
    arm(fault_of());
    Connection connection;
    connection.untouched(connection.to_server(health_check, packet::SYN), true);
    connection.client += 1 + static_cast<std::uint32_t>(health_check.size());
    EXPECT_EQ(connection.answer(ok), ok);
    EXPECT_EQ(connection.ask(health_check), failing);
    expect_tally(1, 1, 1);
}

TEST_F(Framing, AnUploadThatHoldsARequestIsNoCheck) {
    arm(fault_of());
    Connection connection;
    connection.send("PUT /file HTTP/1.1\r\nContent-Length: 1000\r\n\r\n");
    connection.send(health_check);
    EXPECT_EQ(connection.answer(ok), ok);
    EXPECT_EQ(injection->tally().matched, 0U);
}

TEST_F(Framing, AfterAnInterimResponseTheBodyIsNoCheckAndTheFinalAnswerIsTheOneChanged) {
    arm(fault_of());
    const std::string interim = "HTTP/1.1 100 Continue\r\n\r\n";
    Connection upload;
    upload.send("PUT /file HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 1000\r\n\r\n");
    EXPECT_EQ(upload.answer(interim), interim);
    upload.send(health_check);
    EXPECT_EQ(upload.answer(ok), ok);

    Connection checked{.flow = {.source_port = 40001, .destination_port = 8080}};
    checked.send("POST /healthz HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
    EXPECT_EQ(checked.answer(interim), interim);
    checked.send("hello");
    EXPECT_EQ(checked.answer(ok), failing);

    Connection merged{.flow = {.source_port = 40002, .destination_port = 8080}};
    const std::string hints = "HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n";
    EXPECT_EQ(merged.ask(health_check, interim + hints + ok), interim + hints + failing);
    merged.server -= static_cast<std::uint32_t>((interim + hints + ok).size());
    EXPECT_EQ(merged.answer(interim + hints + ok), interim + hints + failing);  // alike
    expect_tally(2, 2, 1);                                                      // the upload's segment looked like a pipelined request
}

TEST_F(Framing, AnInterimResponseThatIsCutLeavesTheConnectionUnseen) {
    arm(fault_of());
    const std::string hints = "HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n";
    Connection connection;
    EXPECT_EQ(connection.ask(data, hints), hints);
    EXPECT_EQ(connection.answer("\r\n" + ok), "\r\n" + ok);
    EXPECT_EQ(connection.ask(health_check), ok);
    expect_tally(0, 0, 1);
}

TEST_F(Framing, AConnectionThatSwitchedProtocolsIsLeftAlone) {
    arm(fault_of());
    Connection connection;
    const std::string switched = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n";
    EXPECT_EQ(connection.ask("GET /chat HTTP/1.1\r\nUpgrade: x\r\n\r\n", switched), switched);
    EXPECT_EQ(connection.ask(health_check), ok);
    expect_tally(0, 0);
}

TEST_F(Framing, ARequestCutIntoSegmentsPassesUnseen) {
    arm(fault_of());
    Connection connection;
    connection.send(health_check.substr(0, 9));
    connection.send(health_check.substr(9));
    EXPECT_EQ(connection.answer(ok), ok);
    expect_tally(0, 0, 1);
}

TEST_F(Framing, HeadersInLaterSegmentsDoNotMatter) {
    arm(fault_of());
    Connection connection;
    connection.send(health_check.substr(0, 23));
    connection.send(health_check.substr(23));
    EXPECT_EQ(connection.answer(ok), failing);
}

TEST_F(Framing, AStatusLineCutIntoSegmentsPassesUnseen) {
    arm(fault_of());
    Connection connection;
    connection.send(health_check);
    EXPECT_EQ(connection.answer(ok.substr(0, 10)), ok.substr(0, 10));
    EXPECT_EQ(connection.answer(ok.substr(10)), ok.substr(10));
    expect_tally(1, 0, 1);
}

TEST_F(Framing, WhatIsNoHttpResponseIsNeverChanged) {
    arm(fault_of());
    Connection connection;
    EXPECT_EQ(connection.ask(health_check, "HTTQ/1.1 200 OK\r\n\r\n"), "HTTQ/1.1 200 OK\r\n\r\n");
    Connection other{.flow = {.source_port = 40001, .destination_port = 8080}};
    EXPECT_EQ(other.ask(health_check, "HTTP/1.1 2x0 OK\r\n\r\n"), "HTTP/1.1 2x0 OK\r\n\r\n");
    expect_tally(2, 0, 2);
}

TEST_F(Framing, ANoContentAnswerGetsALengthInThePlaceOfItsDate) {
    arm(fault_of());
    const std::string date = "Date: Tue, 15 Nov 1994 08:12:31 GMT", length = "Content-Length: 0                  ";
    for (const std::string server : {"a", "ab"}) {  // at even and odd offsets
        const auto rest = [&](const std::string& field) { return "No Content\r\nServer: " + server + "\r\n" + field + "\r\nX: y\r\n\r\n"; };
        Connection connection;
        connection.flow.source_port = static_cast<std::uint16_t>(40000U + server.size());
        connection.send(health_check);
        for (int i = 0; i < 2; i++) {
            EXPECT_EQ(connection.answer("HTTP/1.1 204 " + rest(date)), "HTTP/1.1 503 " + rest(length));
            connection.server -= static_cast<std::uint32_t>(13 + rest(date).size());
        }
    }
    expect_tally(2, 2);
}

TEST_F(Framing, AnswersThatCannotBeFramedPassUnseen) {
    arm(fault_of());
    Connection connection;
    for (const std::string answer : {"HTTP/1.1 204 No Content\r\nServer: x\r\n\r\n",
                                     "HTTP/1.1 204 No Content\r\nServer: x\r\n\r\nDate: Tue, 15 Nov 1994 08:12:31 GMT\r\n",
                                     "HTTP/1.1 204 No Content\r\nDate: Tuesday, 15-Nov-94 08:12:31 GMT\r\n\r\n",
                                     "HTTP/1.1 304 Not Modified\r\nDate: Tue, 15 Nov 1994 08:12:31 GMT\r\n\r\n"})
        EXPECT_EQ(connection.ask(health_check, answer), answer);
    expect_tally(4, 0, 4);
}

TEST_F(Framing, AnAnswerAnywhereInAMergedPacketIsFoundAtOddOffsetsToo) {
    arm(fault_of());
    for (const std::size_t offset : {1U, 2U, 3U, 700U, 1301U}) {
        Connection connection;
        connection.flow.source_port = static_cast<std::uint16_t>(41000U + offset);
        connection.send(health_check);
        connection.server -= static_cast<std::uint32_t>(offset);
        const std::string earlier(offset, 'x');
        EXPECT_EQ(connection.answer(earlier + ok), earlier + failing);
    }
}

TEST_F(Framing, SequenceNumbersWrapAround) {
    arm(fault_of());
    Connection connection{.client = 0xfffffff0U, .server = 0xfffffff8U};
    for (int i = 0; i < 3; i++) {
        EXPECT_EQ(connection.ask(health_check), failing);
        EXPECT_EQ(connection.ask(data), ok);
    }
}

TEST_F(Framing, AHugeDownloadOrUploadBetweenChecksHidesNone) {
    arm(fault_of());
    Connection connection;
    EXPECT_EQ(connection.ask(data), ok);
    for (int i = 0; i < 7; i++) {  // 3.5 GiB
        connection.server += 0x20000000U;
        connection.answer("more of the same response");
    }
    EXPECT_EQ(connection.ask(health_check), failing);
    connection.send("POST /data HTTP/1.1\r\n\r\n");
    for (int i = 0; i < 7; i++) {
        connection.client += 0x20000000U;
        connection.send("more of the body");
    }
    EXPECT_EQ(connection.answer(ok), ok);
    EXPECT_EQ(connection.ask(health_check), failing);
    expect_tally(2, 2);
}

TEST_F(Framing, AKeepAliveProbeIsNoRequest) {
    arm(fault_of());
    Connection connection;
    EXPECT_EQ(connection.ask(data), ok);
    connection.client -= 1;
    connection.send("\n");
    EXPECT_EQ(connection.ask(health_check), failing);
}

TEST_F(Framing, ReusedPortsStartAnew) {
    arm(fault_of());
    Connection connection{.client = 3'000'000'000U, .server = 3'000'000'000U};
    EXPECT_EQ(connection.ask(health_check), failing);
    Connection again{.client = 10, .server = 20};
    again.untouched(again.to_server("", packet::SYN), true);
    again.client++;
    EXPECT_EQ(again.ask(health_check), failing);
}

// Requests sent once or twice, responses cut anywhere behind their status, sent again and merged with what went before.
TEST_F(Framing, ARandomConversationChangesTheDigitsOfChecksAndNothingElse) {
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
            connection.send(is_check ? health_check : data);
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

TEST_F(Framing, RandomBytesOnThePortPassAsTheyAre) {
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

}  // namespace
}  // namespace blackstart
