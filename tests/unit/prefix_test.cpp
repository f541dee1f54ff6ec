#include "injector/prefix.h"

#include <gtest/gtest.h>

namespace blackstart {
namespace {

TEST(Prefix, an_address_is_the_whole_of_itself) {
    const auto v4 = parse_prefix("10.1.2.3"), v6 = parse_prefix("fd00::1");
    ASSERT_TRUE(v4 && v6);
    EXPECT_EQ(v4->bits, 128U);
    EXPECT_TRUE(v4->v4());
    EXPECT_EQ(v4->address[12], 10);
    EXPECT_FALSE(v6->v4());
    EXPECT_EQ(v6->address[15], 1);
}

TEST(Prefix, a_cidr_keeps_its_network_bits_only) {
    const auto prefix = parse_prefix("10.255.3.4/9");
    ASSERT_TRUE(prefix);
    EXPECT_EQ(prefix->bits, 105U);
    EXPECT_EQ(*prefix, *parse_prefix("10.128.0.0/9"));
    EXPECT_EQ(*parse_prefix("fd00:1:2:3::9/64"), *parse_prefix("fd00:1:2:3::/64"));
    EXPECT_EQ(parse_prefix("0.0.0.0/0")->bits, 96U);
    EXPECT_TRUE(parse_prefix("0.0.0.0/0")->v4());
    EXPECT_EQ(parse_prefix("::/0")->bits, 0U);
}

TEST(Prefix, a_network_holds_narrower_ones_of_its_own_family) {
    const auto is_within = [](const char* one, const char* other) { return within(*parse_prefix(one), *parse_prefix(other)); };
    EXPECT_TRUE(is_within("10.1.2.3", "10.0.0.0/8"));
    EXPECT_TRUE(is_within("10.1.0.0/16", "0.0.0.0/0"));
    EXPECT_TRUE(is_within("fd00::/64", "::/0"));
    EXPECT_FALSE(is_within("10.0.0.0/8", "10.1.2.3"));
    EXPECT_FALSE(is_within("11.0.0.1", "10.0.0.0/8"));
    EXPECT_FALSE(is_within("10.1.2.3", "::/0"));
}

TEST(Prefix, what_is_no_address_is_refused) {
    for (const auto* text : {"", "10.0.0", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/8x", "fd00::/129", "db.test", "10.0.0.1 "})
        EXPECT_FALSE(parse_prefix(text)) << text;
}

}  // namespace
}  // namespace blackstart
