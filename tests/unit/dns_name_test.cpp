#include <gtest/gtest.h>

#include "injector/dns.h"
#include "injector/kernel/error.h"

namespace blackstart {
namespace {

using Wire = std::vector<std::uint8_t>;

TEST(DnsName, is_encoded_in_lower_case_with_or_without_the_last_dot) {
    const Wire wire{2, 'd', 'b', 4, 't', 'e', 's', 't', 0};
    for (const auto* text : {"db.test", "DB.Test", "db.test."}) {
        EXPECT_EQ(parse_dns_name(text).wire, wire) << text;
        EXPECT_FALSE(parse_dns_name(text).under) << text;
    }
    EXPECT_EQ(parse_dns_name(".").wire, Wire{0});
    EXPECT_EQ(parse_dns_name("_sip._tcp").wire, (Wire{4, '_', 's', 'i', 'p', 4, '_', 't', 'c', 'p', 0}));
}

TEST(DnsName, a_star_stands_for_what_is_below) {
    EXPECT_EQ(parse_dns_name("*.test").wire, (Wire{4, 't', 'e', 's', 't', 0}));
    EXPECT_TRUE(parse_dns_name("*.test.").under);
    EXPECT_EQ(parse_dns_name("*").wire, Wire{0});
    EXPECT_TRUE(parse_dns_name("*").under);
}

TEST(DnsName, labels_and_names_have_their_limits) {
    const std::string label(63, 'a');
    EXPECT_NO_THROW(parse_dns_name(label + ".test"));
    EXPECT_THROW(parse_dns_name(label + "a.test"), Misuse);
    const std::string longest = label + "." + label + "." + label + "." + std::string(61, 'b');
    EXPECT_EQ(parse_dns_name(longest).wire.size(), 255U);
    EXPECT_EQ(parse_dns_name(longest + ".").wire.size(), 255U);
    EXPECT_THROW(parse_dns_name(longest + "b"), Misuse);
}

TEST(DnsName, what_is_no_name_is_refused) {
    for (const auto* text : {"",
                             "..",
                             ".test",
                             "a..b",
                             "a.b..",
                             "*.",
                             "*..",
                             "a.*.b",
                             "*a.test",
                             "a*",
                             "**.test",
                             "*.*.test",
                             "a b",
                             "db.test ",
                             "a\tb",
                             "a\\.b",
                             "http://db.test",
                             "db:53",
                             "a.test,b.test",
                             "b\xc3\xbc"
                             "cher.test"})
        EXPECT_THROW(parse_dns_name(text), Misuse) << text;
}

TEST(DnsName, an_international_name_becomes_what_it_is_in_dns) {
    EXPECT_EQ(ace("bücher.test"), "xn--bcher-kva.test");
    EXPECT_EQ(ace("*.BÜCHER.test."), "*.xn--bcher-kva.test.");
    EXPECT_EQ(ace("straße.test"), "xn--strae-oqa.test");  // IDNA2008: not strasse
    EXPECT_EQ(ace("例え.テスト"), "xn--r8jz45g.xn--zckzah");
    EXPECT_EQ(ace("DB.test"), "DB.test");
    for (const auto* text : {"\xff.test", "a\u2028b.test", "-ü.test", "*ü.test"}) EXPECT_THROW(ace(text), Misuse) << text;
}

TEST(DnsFault, is_checked_without_touching_the_host) {
    DnsFault good;
    good.names = {"db.test"};
    EXPECT_NO_THROW(check(good));
    good.servers = {"10.0.0.0/8", "fd00::1"};
    EXPECT_NO_THROW(check(good));

    const auto refused = [&](auto change) {
        DnsFault bad = good;
        change(bad);
        EXPECT_THROW(check(bad), Misuse);
    };
    refused([](DnsFault& f) { f.names.clear(); });
    refused([](DnsFault& f) { f.names = {"a..b"}; });
    refused([](DnsFault& f) { f.port = 0; });
    refused([](DnsFault& f) { f.servers = {"10.0.0.0/99"}; });
    refused([](DnsFault& f) { f.servers = {"ns1.test"}; });
    refused([](DnsFault& f) { f.answers[0].answer = DnsFault::Answer::addresses; });
    refused([](DnsFault& f) { f.answers[0].addresses = {"10.0.0.1"}; });
    refused([](DnsFault& f) { f.ttl = std::chrono::seconds(-1); });
    const auto answers = [](std::vector<std::string> addresses) {
        return [addresses](DnsFault& f) {
            f.answers[0].answer = DnsFault::Answer::addresses;
            f.answers[0].addresses = addresses;
        };
    };
    refused(answers({"10.0.0.0/8"}));
    refused(answers({"db.test"}));
    refused(answers(std::vector<std::string>(17, "10.0.0.1")));
    refused(answers(std::vector<std::string>(17, "fd00::1")));
    answers(std::vector<std::string>(16, "10.0.0.1"))(good);
    EXPECT_NO_THROW(check(good));
}

}  // namespace
}  // namespace blackstart
