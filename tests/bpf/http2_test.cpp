// Connections of HTTP/2 and gRPC, frame by frame, on the real programs.
#include <random>

#include "injector/kernel/error.h"
#include "tests/bpf/http2_conversation.h"

namespace blackstart {
namespace {

TEST_F(Http2, AGrpcCheckIsToldNotServingAndDataIsNot) {
    grpc();
    EXPECT_EQ(asked(1, plain_path), grpc_answer(1, 2));
    EXPECT_EQ(asked(3, data_path), grpc_answer(3, 1));
    EXPECT_EQ(asked(5, "\xbf"), grpc_answer(5, 2));  // the entry before the newest
    EXPECT_EQ(asked(7, "\xbe"), grpc_answer(7, 1));
    expect_tally(2, 2);
}

TEST_F(Http2, AHuffmanPathAndItsEntryAreTheCheckToo) {
    grpc();
    EXPECT_EQ(asked(1, huffman_path), grpc_answer(1, 2));
    for (unsigned stream = 3; stream < 20; stream += 2) EXPECT_EQ(asked(stream, "\xbe"), grpc_answer(stream, 2));
    expect_tally(10, 10);
}

TEST_F(Http2, EveryWayToSayAFieldIsUnderstood) {
    grpc();
    const std::string length(1, static_cast<char>(health_path.size()));
    unsigned stream = 1;
    for (const auto& path :
         {"\x04" + length + health_path, "\x14" + length + health_path, "\x00\x05:path"s + length + health_path,
          "\x40\x84\xb9\x58\xd3\x3f\x95" + health_huffman, "\x3f\xe1\x1f" + plain_path, inserted(58, std::string(120, 'u')) + plain_path,
          "\x44\x7f\x00/grpc.health.v1.Health/"s + std::string(104, 'x')}) {
        EXPECT_EQ(asked(stream, path), grpc_answer(stream, 2)) << stream;
        stream += 2;
    }
    // The name from an entry, and the value new.
    EXPECT_EQ(asked(stream, "\x7e\x05/shop"), grpc_answer(stream, 1));
    EXPECT_EQ(asked(stream + 2, "\x7e" + length + health_path), grpc_answer(stream + 2, 2));
}

TEST_F(Http2, PaddingPriorityAndContinuationsAreReadOver) {
    grpc();
    const std::string priority = "\0\0\0\0\x10"s;
    connection.send(headers(1, "\x03"s + priority + method + plain_path + "pad", kEndHeaders | kEndStream | kPadded | kPriority));
    EXPECT_EQ(connection.answer(frame(0, kPadded, 1, "\x02" + message(1) + "pp")), frame(0, kPadded, 1, "\x02" + message(2) + "pp"));
    connection.send(headers(3, method + plain_path.substr(0, 9), kEndStream) + frame(9, 0, 3, plain_path.substr(9, 1)) +
                    frame(9, kEndHeaders, 3, plain_path.substr(10)));
    EXPECT_EQ(connection.answer(grpc_answer(3, 1)), grpc_answer(3, 2));
    expect_tally(2, 2);
}

TEST_F(Http2, RequestsAndAnswersCutAnywhereAreStillMatched) {
    grpc();
    unsigned stream = 1;
    for (std::size_t at = 1; at < 60; at++, stream += 2) {
        const auto asked = grpc_request(stream, stream == 1 ? huffman_path : "\xbe"), given = grpc_answer(stream, 1);
        const auto cut = at % asked.size();
        connection.send(asked.substr(0, cut));
        connection.send(asked.substr(cut));
        const auto in_answer = at % given.size();
        const auto begins = connection.answer(given.substr(0, in_answer));
        EXPECT_EQ(begins + connection.answer(given.substr(in_answer)), grpc_answer(stream, 2)) << at;
    }
    expect_tally(59, 59);
}

TEST_F(Http2, ManyStreamsAtOnceKeepTheirOwnAnswers) {
    grpc();
    std::string asked, given, wanted;
    asked = grpc_request(1, plain_path) + grpc_request(3, data_path);
    for (unsigned stream = 5; stream < 40; stream += 2) asked += grpc_request(stream, stream % 4 == 1 ? "\xbf" : "\xbe");
    for (unsigned stream = 39; stream < 40; stream -= 2) {
        given += grpc_answer(stream, 1);
        wanted += grpc_answer(stream, stream % 4 == 1 ? 2 : 1);
    }
    EXPECT_EQ(connection.ask(asked, given), wanted);
    expect_tally(10, 10);
}

TEST_F(Http2, ARetransmittedAnswerIsRewrittenAlikeAndCountedOnce) {
    grpc();
    connection.send(grpc_request(1, plain_path));
    const auto before = connection.server;
    for (int i = 0; i < 3; i++) {
        connection.server = before;
        EXPECT_EQ(connection.answer(grpc_answer(1, 1)), grpc_answer(1, 2));
    }
    connection.server = before + 15;
    EXPECT_EQ(connection.answer(grpc_answer(1, 1).substr(15)), grpc_answer(1, 2).substr(15));
    connection.client -= 30;
    connection.untouched(connection.to_server(grpc_request(1, plain_path).substr(grpc_request(1, plain_path).size() - 30)), true);
    connection.client += 30;
    EXPECT_EQ(asked(3, "\xbe"), grpc_answer(3, 2));
    expect_tally(2, 2);
}

TEST_F(Http2, AWatchHearsEveryMessageChanged) {
    grpc();
    connection.send(grpc_request(1, inserted(4, "/grpc.health.v1.Health/Watch")));
    EXPECT_EQ(connection.answer(headers(1, "\x88") + body(1, message(1))), headers(1, "\x88") + body(1, message(2)));
    EXPECT_EQ(connection.answer(body(1, message(2))), body(1, message(2)));
    EXPECT_EQ(connection.answer(body(1, message(1)) + body(1, message(1))), body(1, message(2)) + body(1, message(2)));
    expect_tally(1, 1);
}

TEST_F(Http2, AFailingGrpcCheckIsShownAsPassing) {
    grpc(HealthFault::Result::pass);
    EXPECT_EQ(asked(1, plain_path, 2), grpc_answer(1, 1));
    EXPECT_EQ(asked(3, "\xbe", 3), grpc_answer(3, 1));
    EXPECT_EQ(asked(5, "\xbe"), grpc_answer(5, 1));
    expect_tally(3, 2, 1);  // that which passed by itself was left at its end
}

TEST_F(Http2, WhatIsNoHealthAnswerPassesUnseen) {
    grpc();
    const auto compressed = body(1, "\1\0\0\0\2\10\1"s), longer = body(3, "\0\0\0\0\4\10\1\20\1"s),
               refused = headers(5,
                                 "\x88\x0f\x0d\x01"
                                 "5",
                                 kEndHeaders | kEndStream);
    EXPECT_EQ(connection.ask(grpc_request(1, plain_path), compressed), compressed);
    EXPECT_EQ(connection.ask(grpc_request(3, "\xbe"), longer), longer);
    EXPECT_EQ(connection.ask(grpc_request(5, "\xbe"), refused), refused);
    expect_tally(3, 0, 3);
}

TEST_F(Http2, AStatusBecomesAnotherInOneOctet) {
    http2(500);
    const auto path = inserted(4, "/healthz"), other = inserted(4, "/healthzz"), query = inserted(4, "/healthz?deep=1");
    const auto answer = [](unsigned stream, const std::string& status) {
        return headers(stream, status + "\x5f\x01t") + body(stream, "ok", kEndStream);
    };
    EXPECT_EQ(connection.ask(headers(1, method + path), answer(1, "\x88")), answer(1, "\x8e"));
    EXPECT_EQ(connection.ask(headers(3, method + other), answer(3, "\x88")), answer(3, "\x88"));
    EXPECT_EQ(connection.ask(headers(5, method + query), answer(5, "\x20\x89")), answer(5, "\x20\x8e"));
    EXPECT_EQ(connection.ask(headers(7, method + "\xc0"), answer(7, "\xbf")), answer(7, "\x8e"));
    EXPECT_EQ(connection.ask(headers(9, method + "\xc0"), answer(9, literal("201"))), answer(9, literal("500")));
    expect_tally(4, 4);
    EXPECT_EQ(connection.ask(headers(11, method + "\xc0"), answer(11, "\x8e")), answer(11, "\x8e"));
    EXPECT_EQ(connection.ask(headers(13, method + "\xc0"), answer(13, inserted(8, "201"))), answer(13, inserted(8, "201")));
    expect_tally(6, 4, 1);
    const auto interim = headers(15, literal("103"));
    EXPECT_EQ(connection.ask(headers(15, method + "\xc0"), interim + answer(15, "\x88")), interim + answer(15, "\x8e"));
    expect_tally(7, 5, 1);
}

TEST_F(Http2, AHuffmanPathOfHttp2EndsWhereItEnds) {
    http2(404);
    const std::string begins = "\x62\x72\x8e\x84\xcf\xef", whole = "\x44\x86" + begins,
                      query = "\x44\x8c" + begins + "\xfc\x90\xa5\xae\x00\xff"s, longer = "\x44\x87" + begins + "\xdf", root = "\x84";
    unsigned stream = 1;
    for (const auto& [path, shown] : {std::pair{whole, "\x8d"}, {query, "\x8d"}, {longer, "\x88"}, {root, "\x88"}}) {
        EXPECT_EQ(connection.ask(headers(stream, path), headers(stream, "\x88")), headers(stream, shown)) << stream;
        stream += 2;
    }
    expect_tally(2, 2);
}

TEST_F(Http2, AFailingHttp2CheckIsShownAsPassing) {
    http2(0, HealthFault::Result::pass);
    const auto path = inserted(4, "/healthz");
    EXPECT_EQ(connection.ask(headers(1, method + path), headers(1, "\x8e")), headers(1, "\x88"));
    EXPECT_EQ(connection.ask(headers(3, "\xbe"), headers(3, literal("503"))), headers(3, literal("200")));
    EXPECT_EQ(connection.ask(headers(5, "\xbe"), headers(5, "\x89")), headers(5, "\x89"));
    expect_tally(3, 2);
}

TEST_F(Http2, TheAgentIsMatchedAsWell) {
    auto fault = told_not_serving;
    fault.agent = "kube-probe/*";
    arm(fault);
    open(connection);
    EXPECT_EQ(asked(1, plain_path + inserted(58, "kube-probe/1.27")), grpc_answer(1, 2));
    EXPECT_EQ(asked(3, "\xbf" + inserted(58, "curl/7")), grpc_answer(3, 1));
    EXPECT_EQ(asked(5, "\xc0\xbf"), grpc_answer(5, 2));
    EXPECT_EQ(asked(7, "\xc0\xbe"), grpc_answer(7, 1));
    expect_tally(2, 2);
}

TEST_F(Http2, ATimeoutHoldsTheConnectionFromTheAnswerOn) {
    grpc(HealthFault::Result::timeout);
    connection.send(grpc_request(1, plain_path));
    EXPECT_EQ(connection.answer(settings), settings);
    EXPECT_EQ(connection.arrive(connection.to_client(grpc_answer(1, 1)), false).verdict, kRedirect);
    connection.untouched(connection.to_client("", packet::ACK), false);
    expect_tally(1, 1);
}

TEST_F(Http2, AResetTakesTheAnswersPlace) {
    grpc(HealthFault::Result::reset);
    connection.send(grpc_request(1, plain_path));
    const auto out = connection.arrive(connection.to_client(grpc_answer(1, 1)), false);
    EXPECT_EQ(out.verdict, kNext);
    EXPECT_EQ(packet::damage(out.frame, kTcp), "");
    EXPECT_EQ(out.frame.size(), connection.to_client("").size());
    expect_tally(1, 1);
}

TEST_F(Http2, AConnectionOlderThanTheFaultIsUnseenOnce) {
    arm(told_not_serving);
    EXPECT_EQ(asked(1, plain_path), grpc_answer(1, 1));
    EXPECT_EQ(asked(3, "\xbe"), grpc_answer(3, 1));
    expect_tally(0, 0, 1);
}

TEST_F(Http2, AConnectionThatBeganWhileTheFaultOnlyWatchedIsFollowed) {
    const auto target = room.target("wire");
    Terms terms;
    terms.duration = std::chrono::minutes(1);
    terms.lease = std::chrono::minutes(1);
    injection = prepare(told_not_serving, target, terms);
    open(connection);
    EXPECT_EQ(asked(1, plain_path), grpc_answer(1, 1));
    injection->arm(target);
    EXPECT_EQ(asked(3, "\xbe"), grpc_answer(3, 2));
    expect_tally(1, 1);
}

TEST_F(Http2, WhatWasMissedIsNeverGuessed) {
    grpc();
    EXPECT_EQ(asked(1, plain_path), grpc_answer(1, 2));
    connection.client += 40;  // a request that took another way
    for (unsigned stream = 5; stream < 40; stream += 2) EXPECT_EQ(asked(stream, "\xbe"), grpc_answer(stream, 1));
    expect_tally(1, 1, 1);
}

TEST_F(Http2, RequestsThatComeBeforeTheirTurnAreReadInIt) {
    grpc();
    EXPECT_EQ(asked(1, data_path), grpc_answer(1, 1));
    const std::string parts[] = {grpc_request(3, plain_path), grpc_request(5, "\xbf").substr(0, 5), grpc_request(5, "\xbf").substr(5),
                                 grpc_request(7, "\xbe")};
    const auto begin = connection.client;
    std::uint32_t offset[4]{};
    for (int i = 1; i < 4; i++) offset[i] = offset[i - 1] + static_cast<std::uint32_t>(parts[i - 1].size());
    for (const int i : {3, 1, 3, 2, 0}) {
        connection.client = begin + offset[i];
        connection.send(parts[i]);
    }
    connection.client = begin + offset[3] + static_cast<std::uint32_t>(parts[3].size());
    EXPECT_EQ(connection.answer(grpc_answer(3, 1) + grpc_answer(5, 1) + grpc_answer(7, 1)),
              grpc_answer(3, 2) + grpc_answer(5, 1) + grpc_answer(7, 2));
    EXPECT_EQ(asked(9, "\xbe"), grpc_answer(9, 2));
    expect_tally(3, 3);
}

TEST_F(Http2, LongDataThatComeBeforeTheirTurnAreReadToTheirEnd) {
    grpc();
    EXPECT_EQ(asked(1, plain_path), grpc_answer(1, 2));
    const auto begins = headers(3, method + scheme + data_path);
    const auto data = body(3, std::string(3000, 'x'), kEndStream) + frame(6, 0, 0, "pingpong");
    const auto at = connection.client;
    connection.client += static_cast<std::uint32_t>(begins.size());
    connection.send(data);
    connection.client = at;
    connection.send(begins);
    connection.client += static_cast<std::uint32_t>(data.size());
    EXPECT_EQ(connection.answer(grpc_answer(3, 1)), grpc_answer(3, 1));
    EXPECT_EQ(asked(5, "\xbf"), grpc_answer(5, 2));
    expect_tally(2, 2);
}

TEST_F(Http2, AnswersThatComeBeforeTheirTurnAndThoseOfTheGapAreChanged) {
    grpc();
    connection.send(grpc_request(1, plain_path) + grpc_request(3, "\xbe") + grpc_request(5, "\xbe"));
    const auto size = static_cast<std::uint32_t>(grpc_answer(1, 1).size());
    connection.server += size;
    EXPECT_EQ(connection.answer(grpc_answer(3, 1)), grpc_answer(3, 2));
    connection.server -= 2 * size;
    EXPECT_EQ(connection.answer(grpc_answer(1, 1)), grpc_answer(1, 2));
    EXPECT_EQ(connection.answer(grpc_answer(3, 1) + grpc_answer(5, 1)), grpc_answer(3, 2) + grpc_answer(5, 2));
    expect_tally(3, 3);
}

TEST_F(Http2, AnswersGoOnAfterAGap) {
    grpc();
    connection.send(grpc_request(1, plain_path));
    connection.server += 500;
    EXPECT_EQ(connection.answer(std::string(100, 'x')), std::string(100, 'x'));
    EXPECT_EQ(connection.answer(grpc_answer(1, 1)), grpc_answer(1, 2));
    expect_tally(1, 1);
}

// Cut at random, sent again and merged with what went before.
TEST_F(Http2, ARandomConversationChangesTheChecksAndNothingElse) {
    grpc();
    std::mt19937 random(3);
    const auto below = [&](std::size_t limit) { return random() % limit; };
    const auto base = connection.server;
    std::string sent, wanted;
    std::uint64_t checks = 0;
    unsigned stream = 1;
    EXPECT_EQ(connection.ask(grpc_request(1, plain_path) + grpc_request(3, data_path), grpc_answer(1, 1) + grpc_answer(3, 1)),
              grpc_answer(1, 2) + grpc_answer(3, 1));
    sent = grpc_answer(1, 1) + grpc_answer(3, 1);
    wanted = grpc_answer(1, 2) + grpc_answer(3, 1);
    for (stream = 5; stream < 405; stream += 2) {
        const bool is_check = below(3) == 0;
        checks += is_check;
        const auto asked = grpc_request(stream, is_check ? "\xbf" : "\xbe");
        for (std::size_t at = 0; at < asked.size();) {
            const auto size = std::min(asked.size() - at, 1 + below(30));
            connection.send(asked.substr(at, size));
            at += size;
        }
        const auto filler = body(stream, std::string(below(2000), 'x'));
        const auto begin = sent.size();
        sent += is_check ? grpc_answer(stream, 1) : headers(stream, "\x88") + filler + body(stream, message(1), kEndStream);
        wanted += is_check ? grpc_answer(stream, 2) : headers(stream, "\x88") + filler + body(stream, message(1), kEndStream);
        for (auto at = begin; at < sent.size();) {
            const auto to = std::min(sent.size(), at + 1 + below(900));
            const auto from = at - (below(3) == 0 ? below(std::min<std::size_t>(at, 30) + 1) : 0);
            connection.server = base + static_cast<std::uint32_t>(from);
            ASSERT_EQ(connection.answer(sent.substr(from, to - from)), wanted.substr(from, to - from)) << stream;
            at = to;
        }
    }
    expect_tally(checks + 1, checks + 1);
}

TEST_F(Http2, RandomBytesPassAsTheyAre) {
    arm(told_not_serving);
    std::mt19937 random(1);
    for (int i = 0; i < 300; i++) {
        Connection c{.client = static_cast<std::uint32_t>(random()), .server = static_cast<std::uint32_t>(random())};
        c.flow.source_port = static_cast<std::uint16_t>(40000 + i);
        if (i % 2 == 0) open(c);
        for (int n = 0; n < 10; n++) {
            std::string payload;
            for (auto left = random() % 200; left > 0; left--) payload += static_cast<char>(random() % (n % 2 == 0 ? 256 : 12));
            c.send(payload);
            EXPECT_EQ(c.answer(payload), payload);
        }
    }
    EXPECT_EQ(injection->tally().hits, 0U);
}

TEST_F(Http2, WhatCannotBeShownIsRefused) {
    auto fault = fault_of(HealthFault::Protocol::http2, HealthFault::Result::status);
    EXPECT_THROW(arm(fault), Misuse);  // 503
    fault = fault_of(HealthFault::Protocol::grpc, HealthFault::Result::status);
    EXPECT_THROW(arm(fault), Misuse);
    fault = fault_of(HealthFault::Protocol::http2, HealthFault::Result::not_serving);
    EXPECT_THROW(arm(fault), Misuse);
}

}  // namespace
}  // namespace blackstart
