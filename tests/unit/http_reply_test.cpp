#include "probes/http_reply.h"

#include <gtest/gtest.h>

#include <random>

using namespace blackstart;

namespace {

using State = HttpReply::State;

// What becomes of a reply, whether it comes at once or byte by byte; then the server closes.
std::string read(const std::string& text, bool to_head = false) {
    HttpReply at_once(to_head), bytewise(to_head);
    auto state = at_once.take(text);
    auto other = State::more;
    for (const char byte : text) other = bytewise.take({&byte, 1});
    EXPECT_EQ(state, other) << text;
    EXPECT_EQ(at_once.body(), bytewise.body()) << text;
    std::string result = state == State::more ? "(close) " : "";
    if (state == State::more) state = at_once.close();
    if (state == State::broken) return result + "broken";
    return result + std::to_string(at_once.status()) + " " + at_once.body();
}

TEST(HttpReply, EndsWithItsContentLength) {
    EXPECT_EQ(read("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"), "200 ok");
    EXPECT_EQ(read("HTTP/1.1 503 \r\ncontent-length:2 \r\nA: b\r\n\r\nnoMORE"), "503 no");
    EXPECT_EQ(read("HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n"), "200 ");
    EXPECT_EQ(read("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok"), "(close) broken");
}

TEST(HttpReply, EndsWithItsLastChunk) {
    EXPECT_EQ(read("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\nA;b=c\r\n0123456789\r\n0\r\n\r\n"), "200 ok0123456789");
    EXPECT_EQ(read("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, Chunked\r\nContent-Length: 1\r\n\r\n0\r\nTrailer: x\r\n\r\n"), "200 ");
    EXPECT_EQ(read("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n"), "(close) broken");
    EXPECT_EQ(read("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxx\r\nok\r\n"), "broken");
    EXPECT_EQ(read("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\noknot\r\n"), "broken");
    EXPECT_EQ(read("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n"), "broken");
}

TEST(HttpReply, EndsWithTheConnectionWhereNothingElseIsSaid) {
    EXPECT_EQ(read("HTTP/1.0 200 OK\r\n\r\nall of it\r\n"), "(close) 200 all of it\r\n");
    EXPECT_EQ(read("HTTP/1.1 200 OK\r\n\r\n"), "(close) 200 ");
}

TEST(HttpReply, HasNoBodyWhereNoneCanBe) {
    EXPECT_EQ(read("HTTP/1.1 204 No Content\r\n\r\n"), "204 ");
    EXPECT_EQ(read("HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n"), "304 ");
    EXPECT_EQ(read("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", true), "200 ");
}

TEST(HttpReply, WaitsForTheRealOneBehindAnInterimOne) {
    EXPECT_EQ(read("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: "
                   "1\r\n\r\nx"),
              "200 x");
    EXPECT_EQ(read("HTTP/1.1 100 Continue\r\n\r\n"), "(close) broken");
}

TEST(HttpReply, TakesLinesWithoutCarriageReturns) { EXPECT_EQ(read("HTTP/1.1 200 OK\nContent-Length: 1\n\nx"), "200 x"); }

TEST(HttpReply, IsBrokenWhenItIsNoHttp) {
    for (const auto* text : {"220 mail.test ESMTP\r\n", "HTTP/2 200\r\n", "HTTP/1.1 2x0 OK\r\n", "HTTP/1.1 2000\r\n", "\r\n",
                             "HTTP/1.1 200 OK\r\nContent-Length: x\r\n"})
        EXPECT_EQ(read(text), "broken") << text;
    EXPECT_EQ(read("HTTP/1.1 200 OK\r\nEndless: " + std::string(300'000, 'x')), "broken");
    EXPECT_EQ(HttpReply(false).close(), State::broken);
}

TEST(HttpReply, KeepsTheFirstMebibyteOfABody) {
    HttpReply reply(false);
    EXPECT_EQ(reply.take("HTTP/1.1 200 OK\r\n\r\n"), State::more);
    auto state = State::more;
    for (int i = 0; state == State::more && i < 1000; ++i) state = reply.take(std::string(10'000, 'x'));
    EXPECT_EQ(state, State::complete);
    EXPECT_EQ(reply.body().size(), longest_body);
}

TEST(HttpReply, SurvivesRandomChanges) {
    const std::string good =
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 10\r\n\r\n2\r\nok\r\n3;x\r\nabc\r\n0\r\nT: x\r\n\r\n";
    std::mt19937 random(1);
    for (int round = 0; round < 20'000; ++round) {
        auto text = good;
        for (int flips = 0; flips < 3; ++flips) text[random() % text.size()] = static_cast<char>(random());
        HttpReply reply(false);
        const auto half = random() % text.size();
        reply.take(text.substr(0, half));
        reply.take(text.substr(half));
        reply.close();
    }
}

}  // namespace
