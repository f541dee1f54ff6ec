#include "injector/kernel/error.h"
#include "servers.h"

using namespace blackstart;
using namespace blackstart::testing;

namespace {

class TcpProbes : public ::testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Families, TcpProbes, ::testing::Values(AF_INET, AF_INET6), family_name);

TEST_P(TcpProbes, AreOkOnceConnected) {
    const TcpServer server(GetParam(), [](int) {});
    const auto seen = Watched({probe(TcpProbe{server.at(), ""})}, 60ms).one();
    EXPECT_TRUE(seen.ok) << seen.why;
    EXPECT_FALSE(seen.value);
}

TEST_P(TcpProbes, SayWhenTheConnectionIsRefused) {
    std::string at;
    {
        const Server gone(GetParam(), SOCK_STREAM);
        at = gone.at();
    }
    EXPECT_EQ(Watched({probe(TcpProbe{at, ""})}, 60ms).one().why, "connection refused");
}

TEST_P(TcpProbes, WaitForABanner) {
    const TcpServer server(GetParam(), [](int fd) {
        write_all(fd, "220 mail");
        std::this_thread::sleep_for(5ms);
        write_all(fd, ".test ready\r\n");
        char rest[8];
        (void)!::recv(fd, rest, sizeof rest, 0);
    });
    const TcpServer hangs_up(GetParam(), [](int fd) { write_all(fd, "421 busy\r\n"); });
    const TcpServer silent(GetParam(), [](int fd) {
        char rest[8];
        (void)!::recv(fd, rest, sizeof rest, 0);
    });
    const auto seen = Watched({probe(TcpProbe{server.at(), "mail.test"}), probe(TcpProbe{hangs_up.at(), "220 "}),
                               probe(TcpProbe{silent.at(), "220 "}, 50ms, 100ms)},
                              60ms);
    EXPECT_TRUE(seen.one(0).ok) << seen.one(0).why;
    EXPECT_EQ(seen.one(1).why, "the banner lacks \"220 \"");
    EXPECT_EQ(seen.one(2).why, "timeout");
}

TEST(TcpProbe, LooksNamesUp) {
    const TcpServer server(AF_INET, [](int) {});
    const auto seen = Watched({probe(TcpProbe{"localhost:" + std::to_string(server.port), ""}, 1s)}, 30ms).one();
    EXPECT_TRUE(seen.ok) << seen.why;
}

TEST(TcpProbe, RefusesAnAddressWithoutAPort) { EXPECT_THROW(Watched({probe(TcpProbe{"127.0.0.1", ""})}, 1ms), Misuse); }

}  // namespace
