#include <algorithm>
#include <tuple>

#include "injector/kernel/error.h"
#include "servers.h"

using namespace blackstart;
using namespace blackstart::testing;

namespace {

// Both ways to make a request: the short one, and libcurl's, which is taken for a header that means nothing to the short one.
class HttpProbes : public ::testing::TestWithParam<std::tuple<int, const char*>> {
protected:
    [[nodiscard]] static int family() { return std::get<0>(GetParam()); }
    [[nodiscard]] static HttpProbe get(const Server& server, const std::string& path = "/") {
        HttpProbe http;
        http.url = "http://" + server.at() + path;
        if (std::get<1>(GetParam()) == std::string("Libcurl")) http.headers = {"X-Unused:"};
        return http;
    }
};
INSTANTIATE_TEST_SUITE_P(Both, HttpProbes, ::testing::Combine(::testing::Values(AF_INET, AF_INET6), ::testing::Values("Plain", "Libcurl")),
                         [](const ::testing::TestParamInfo<HttpProbes::ParamType>& each) {
                             return std::string(std::get<1>(each.param)) + (std::get<0>(each.param) == AF_INET ? "IPv4" : "IPv6");
                         });

TEST_P(HttpProbes, AreOkWithAny2xxAndHaveNoValueUnlessAsked) {
    const auto server = http_server(family(), [](const std::string&) { return response(204, ""); });
    const auto seen = Watched({probe(get(server))}, 120ms);
    ASSERT_GE(seen.all.size(), 2U);
    for (const auto& each : seen.all) {
        EXPECT_TRUE(each.ok) << each.why;
        EXPECT_FALSE(each.value);
        EXPECT_GT(each.latency, 0ns);
        EXPECT_LT(each.latency, 5s);
    }
}

TEST_P(HttpProbes, SayWhichStatusCameInstead) {
    const auto server = http_server(family(), [](const std::string&) { return response(503, "no"); });
    auto only_503 = get(server);
    only_503.status = {500, 503};
    const auto seen = Watched({probe(get(server)), probe(only_503)}, 60ms);
    EXPECT_FALSE(seen.one(0).ok);
    EXPECT_EQ(seen.one(0).why, "status 503");
    EXPECT_TRUE(seen.one(1).ok);
}

TEST_P(HttpProbes, HaveTheValueOfAReplyThatIsNotOk) {
    const auto server = http_server(family(), [](const std::string&) { return response(500, R"({"live": 2, "text": "five"})"); });
    auto number = get(server), group = get(server), missing = get(server);
    number.value = Extract{.json = "/live", .regex = ""};
    group.value = Extract{.json = "", .regex = "\"text\": \"(\\w+)\""};
    missing.value = Extract{.json = "/none", .regex = ""};
    const auto seen = Watched({probe(number), probe(group), probe(missing)}, 60ms);
    EXPECT_FALSE(seen.one(0).ok);
    EXPECT_EQ(seen.one(0).value, Value(2.0));
    EXPECT_EQ(seen.one(1).value, Value("five"));
    EXPECT_FALSE(seen.one(2).value);
}

TEST_P(HttpProbes, LookForATextInTheBody) {
    const auto server = http_server(family(), [](const std::string&) { return response(200, "all is well"); });
    auto well = get(server), ill = get(server);
    well.contains = "is well";
    ill.contains = "is ill";
    const auto seen = Watched({probe(well), probe(ill)}, 60ms);
    EXPECT_TRUE(seen.one(0).ok) << seen.one(0).why;
    EXPECT_FALSE(seen.one(1).ok);
    EXPECT_EQ(seen.one(1).why, "the body lacks \"is ill\"");
}

TEST_P(HttpProbes, SayWhenTheConnectionIsRefused) {
    HttpProbe http;
    {
        const Server gone(family(), SOCK_STREAM);
        http = get(gone);
    }
    const auto seen = Watched({probe(http)}, 60ms).one();
    EXPECT_FALSE(seen.ok);
    EXPECT_EQ(seen.why, "connection refused");
    EXPECT_FALSE(seen.value);
}

TEST_P(HttpProbes, HaveNoValueWhenTheReplyIsCutShort) {
    const TcpServer closes(family(), [](int fd) { read_request(fd); });
    const TcpServer cuts(family(), [](int fd) {
        read_request(fd);
        write_all(fd, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"n\":1}");
    });
    auto cut = get(cuts);
    cut.value = Extract{.json = "", .regex = "n"};
    const auto seen = Watched({probe(get(closes)), probe(cut)}, 60ms);
    EXPECT_FALSE(seen.one(0).ok);
    EXPECT_EQ(seen.one(0).why, "connection closed without a reply");
    EXPECT_EQ(seen.one(1).why, "the reply was cut short");
    EXPECT_FALSE(seen.one(1).value);
}

TEST_P(HttpProbes, ReadEachKindOfBody) {
    const auto chunked = http_server(family(), [](const std::string&) {
        return "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\n{\"n\r\n4\r\n\":7}\r\n0\r\nT: "
               "x\r\n\r\n";
    });
    const TcpServer until_close(family(), [](int fd) {
        read_request(fd);
        write_all(fd, "HTTP/1.0 200 OK\r\n\r\n{\"n\":");
        std::this_thread::sleep_for(5ms);
        write_all(fd, "8}");
    });
    auto first = get(chunked), second = get(until_close);
    first.value = second.value = Extract{.json = "/n", .regex = ""};
    const auto seen = Watched({probe(first), probe(second)}, 60ms);
    EXPECT_EQ(seen.one(0).value, Value(7.0)) << seen.one(0).why;
    EXPECT_EQ(seen.one(1).value, Value(8.0)) << seen.one(1).why;
}

TEST_P(HttpProbes, SayWhenTheConnectionIsReset) {
    const TcpServer server(family(), [](int fd) {
        read_request(fd);
        const linger now{1, 0};
        ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    });
    const auto seen = Watched({probe(get(server))}, 60ms).one();
    EXPECT_EQ(seen.why, "connection reset");
    EXPECT_FALSE(seen.value);
}

TEST_P(HttpProbes, TimeOutWithoutAValueAndKeepTheirRhythm) {
    const auto server = http_server(family(), [](const std::string&) { return std::string(); });
    auto http = get(server);
    http.value = Extract{.json = "/n", .regex = ""};
    const auto seen = Watched({probe(http, 50ms, 300ms)}, 500ms);
    EXPECT_NEAR(static_cast<double>(seen.all.size()), 10, 1);  // open loop: six are in flight at a time
    for (const auto& each : seen.all) {
        EXPECT_FALSE(each.ok);
        EXPECT_EQ(each.why, "timeout");
        EXPECT_FALSE(each.value);
        EXPECT_GE(each.latency, 300ms);
    }
}

TEST_P(HttpProbes, SendWhatTheyAreToldTo) {
    std::mutex lock;
    std::vector<std::string> requests;
    const auto server = http_server(family(), [&](const std::string& request) {
        const std::lock_guard guard(lock);
        requests.push_back(request);
        return response(200, request.starts_with("HEAD") ? "" : "x");
    });
    auto post = get(server, "/a?b=c"), head = get(server);
    post.method = "POST";
    post.body = "{}";
    post.headers.insert(post.headers.end(), {"X-Probe: yes", "Host: web.test"});
    head.method = "HEAD";
    const auto seen = Watched({probe(post), probe(head)}, 45ms);
    EXPECT_TRUE(seen.one(0).ok) << seen.one(0).why;
    EXPECT_TRUE(seen.one(1).ok) << seen.one(1).why;
    ASSERT_EQ(requests.size(), 2U);
    std::ranges::sort(requests, std::ranges::greater());  // they came at once, in any order
    EXPECT_TRUE(requests[0].starts_with("POST /a?b=c HTTP/1.1\r\n")) << requests[0];
    EXPECT_EQ(requests[0].find("Host: "), requests[0].rfind("Host: "));
    EXPECT_NE(requests[0].find("Host: web.test\r\n"), std::string::npos);
    EXPECT_NE(requests[0].find("User-Agent: blackstart\r\n"), std::string::npos);
    EXPECT_NE(requests[0].find("X-Probe: yes\r\n"), std::string::npos);
    EXPECT_NE(requests[0].find("Content-Length: 2\r\n"), std::string::npos);
    EXPECT_EQ(requests[0].find("Content-Type"), std::string::npos);
    EXPECT_TRUE(requests[1].starts_with("HEAD / HTTP/1.1\r\n"));
}

TEST_P(HttpProbes, ReadNoMoreOfAnEndlessBodyThanTheyMust) {
    const TcpServer server(family(), [](int fd) {
        read_request(fd);
        write_all(fd, "HTTP/1.1 200 OK\r\n\r\n");
        const std::string megabyte(1 << 20, 'x');
        for (int i = 0; i < 50; ++i) {
            if (::send(fd, megabyte.data(), megabyte.size(), MSG_NOSIGNAL) < 0) return;
        }
    });
    const auto seen = Watched({probe(get(server), 1s)}, 30ms).one();
    EXPECT_TRUE(seen.ok) << seen.why;
}

TEST_P(HttpProbes, FollowNoRedirectAndNoProxyOfTheEnvironment) {
    ::setenv("http_proxy", "http://127.0.0.1:1", 1);
    const auto server = http_server(
        family(), [](const std::string&) { return "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"; });
    const auto seen = Watched({probe(get(server))}, 60ms).one();
    ::unsetenv("http_proxy");
    EXPECT_EQ(seen.why, "status 302");
}

TEST_P(HttpProbes, ConnectToAFixedAddressUnderTheUrlsName) {
    std::string host;
    const auto server = http_server(family(), [&](const std::string& request) {
        host = request.substr(request.find("Host: "), 14);
        return response(200, "");
    });
    auto http = get(server);
    http.url = "http://web.test:" + std::to_string(server.port) + "/";
    http.resolve = loopback(family());
    const auto seen = Watched({probe(http, 1s)}, 30ms).one();
    EXPECT_TRUE(seen.ok) << seen.why;
    EXPECT_EQ(host, "Host: web.test");
}

TEST(HttpProbe, LooksANameUpBeforeEachRequest) {
    const auto server = http_server(AF_INET, [](const std::string&) { return response(200, ""); });
    HttpProbe http;
    http.url = "http://localhost:" + std::to_string(server.port) + "/";
    const auto seen = Watched({probe(http)}, 120ms);
    ASSERT_GE(seen.all.size(), 2U);
    for (const auto& each : seen.all) EXPECT_TRUE(each.ok) << each.why;
}

TEST(HttpProbe, RefusesWhatIsNoUrl) {
    for (const auto* url : {"ftp://127.0.0.1/", "http://", "nonsense url"}) {
        HttpProbe http;
        http.url = url;
        EXPECT_THROW(Watched({probe(http)}, 1ms), Misuse) << url;
    }
}

}  // namespace
