#include "probes/icmp.h"

#include <unistd.h>

#include "servers.h"

using namespace blackstart;
using namespace blackstart::testing;

namespace {

class IcmpProbes : public ::testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Families, IcmpProbes, ::testing::Values(AF_INET, AF_INET6), family_name);

TEST_P(IcmpProbes, AreOkWithAReplyOfTheirOwn) {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root, or net.ipv4.ping_group_range";
    const auto to = loopback(GetParam());
    const auto seen = Watched({probe(IcmpProbe{to}, 5ms, 2s), probe(IcmpProbe{to}, 5ms, 2s)}, 300ms);
    EXPECT_GE(seen.of(0).size(), 20U);
    for (const auto& each : seen.all) {
        EXPECT_TRUE(each.ok) << each.why;
        EXPECT_FALSE(each.value);
    }
}

TEST(IcmpProbe, LooksNamesUp) {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root, or net.ipv4.ping_group_range";
    const auto seen = Watched({probe(IcmpProbe{"localhost"}, 1s, 5s)}, 30ms).one();
    EXPECT_TRUE(seen.ok) << seen.why;
}

}  // namespace
