// Values as users write them: what each type takes, and what it says to the rest.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "experiments/parse/limits.h"
#include "experiments/parse/nearest.h"
#include "experiments/parse/types.h"

namespace blackstart {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

template <class T> std::optional<T> read(const Type<T>& type, const Datum& datum, std::string* wrong = nullptr) {
    Complaints complaints;
    auto value = type.read(datum, complaints);
    EXPECT_EQ(value.has_value(), complaints.errors.empty());
    if (wrong != nullptr) *wrong = complaints.errors.empty() ? "" : complaints.errors.front().text;
    return value;
}

// As an option of the command line has it.
template <class T> std::optional<T> read(const Type<T>& type, const std::string& text) { return read(type, datum_of(text, type.shape)); }

template <class T> std::string wrong(const Type<T>& type, const std::string& text) {
    std::string said;
    EXPECT_FALSE(read(type, datum_of(text, type.shape), &said)) << text;
    return said;
}

TEST(Duration, HasAUnit) {
    const auto type = type::duration(type::Zero::allowed);
    EXPECT_EQ(read(type, "250us"), 250us);
    EXPECT_EQ(read(type, "250ms"), 250ms);
    EXPECT_EQ(read(type, "10s"), 10s);
    EXPECT_EQ(read(type, "1.5s"), 1500ms);
    EXPECT_EQ(read(type, "2m"), 2min);
    EXPECT_EQ(read(type, "1h"), 1h);
    EXPECT_EQ(read(type, "0s"), 0s);
    EXPECT_EQ(wrong(type, "10"), "'10' has no unit: did you mean '10s'?");
    EXPECT_EQ(wrong(type, "10w"), "unknown unit 'w' in '10w': expected us, ms, s, m, h or d");
    EXPECT_EQ(wrong(type, "10 s"), "unknown unit ' s' in '10 s': expected us, ms, s, m, h or d");
    EXPECT_EQ(wrong(type, "-5ms"), "a duration cannot be negative: '-5ms'");
    EXPECT_EQ(wrong(type, "soon"), R"('soon' is no duration: expected a duration such as "250ms", "10s", "2m" or "1h")");
    EXPECT_EQ(wrong(type, "9000h"), "'9000h' is over a year");
    for (const char* text : {"", "s", "1e3s", "inf", "nan", "infs", "0x10s", "1s2", "--1s", "+1s", "1e999s", "99999999999999999999h"})
        wrong(type, text);
}

TEST(Duration, OfZeroIsRefusedWhereItDoesNothing) {
    EXPECT_THAT(wrong(type::duration(), "0s"), HasSubstr("a duration of 0 does nothing"));
    EXPECT_THAT(wrong(type::duration(), "0.0000000001us"), HasSubstr("a duration of 0 does nothing"));
}

TEST(Seconds, AreAnIntegerOrADuration) {
    EXPECT_EQ(read(type::seconds(), "60"), 60s);
    EXPECT_EQ(read(type::seconds(), "2m"), 120s);
    EXPECT_EQ(wrong(type::seconds(), "250ms"), "expected whole seconds, up to a week, not '250ms'");
    EXPECT_THAT(wrong(type::seconds(), "-1"), HasSubstr("expected 0 to 604800 seconds"));
}

TEST(Share, IsAboveZeroAndUpTo100Percent) {
    EXPECT_EQ(read(type::share(), "25%"), 0.25);
    EXPECT_EQ(read(type::share(), "0.5%"), 0.005);
    EXPECT_EQ(read(type::share(), "100%"), 1.0);
    EXPECT_EQ(wrong(type::share(), "0%"), "a share of 0% would never act: expected above 0%, up to 100%");
    EXPECT_EQ(wrong(type::share(), "100.1%"), "a share is at most 100%, not 100.1%");
    EXPECT_EQ(wrong(type::share(), "-1%"), "a share cannot be negative: '-1%'");
    EXPECT_EQ(wrong(type::share(), "0.25"), R"(expected a share such as "25%", not '0.25')");
    EXPECT_EQ(read(type::share(type::Zero::allowed), "0%"), 0.0);
}

TEST(Port, IsFrom1To65535) {
    EXPECT_EQ(read(type::port(), "1"), 1);
    EXPECT_EQ(read(type::port(), "65535"), 65535);
    EXPECT_EQ(wrong(type::port(), "70000"), "expected a whole number from 1 to 65535, not 70000");
    for (const char* text : {"0", "-1", "http", "80,443", "99999999999999999999", ""}) wrong(type::port(), text);
}

TEST(Addresses, OfBothFamilies) {
    for (const char* text : {"10.0.0.1", "fd00::1", "::1", "::ffff:10.0.0.1"}) EXPECT_TRUE(read(type::address(), text)) << text;
    EXPECT_EQ(wrong(type::address(), "10.0.0.1/24"), "expected one address, not a network: '10.0.0.1/24'; did you mean '10.0.0.1'?");
    for (const char* text : {"10.0.0", "10.0.0.256", "010.0.0.1", "fd00::1::2", "fe80::1%eth0", "[::1]", "any", " 10.0.0.1"})
        wrong(type::address(), text);
    for (const char* text : {"10.0.0.0/8", "10.0.0.1", "0.0.0.0/0", "fd00::/7", "::/0", "fd00::1/128"})
        EXPECT_TRUE(read(type::network(), text)) << text;
    EXPECT_EQ(wrong(type::network(), "10.0.0.0/99"), "'10.0.0.0/99' is no network: its prefix length is from 0 to 32");
    EXPECT_EQ(wrong(type::network(), "fd00::/129"), "'fd00::/129' is no network: its prefix length is from 0 to 128");
    for (const char* text : {"10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/8/8", "/8", "web/8"}) wrong(type::network(), text);
}

TEST(Peer, IsAHostNameOnlyIfItCannotBeMeantAsAnAddress) {
    for (const char* text : {"any", "10.0.0.0/8", "fd00::1", "db.test", "localhost", "10-0-0-1.test"})
        EXPECT_TRUE(read(type::peer(), text)) << text;
    for (const char* text : {"10.0.0.0/99", "10.0.0.300", "1234", "db.test/24", "*.test", "db..test", "a b", ""}) wrong(type::peer(), text);
}

TEST(Endpoint, HasAPort) {
    for (const char* text : {"10.0.0.1:80", "[fd00::1]:80", "web:80"}) EXPECT_TRUE(read(type::endpoint(), text)) << text;
    EXPECT_EQ(wrong(type::endpoint(), "10.0.0.1"), "'10.0.0.1' has no port: expected address:port or [v6]:port");
    EXPECT_EQ(wrong(type::endpoint(), "10.0.0.1:70000"), "a port is a number from 1 to 65535, not '70000'");
    for (const char* text : {"fd00::1", "10.0.0.1:", ":80", "[fd00::1:80", "[]:80", "10.0.0.1:80:80", "10.0.0.1:http"})
        wrong(type::endpoint(), text);
    for (const char* text : {"10.0.0.53", "10.0.0.53:5353", "fd00::53", "[fd00::53]:53"})
        EXPECT_TRUE(read(type::dns_server(), text)) << text;
    EXPECT_EQ(wrong(type::dns_server(), "ns.test"), "'ns.test' is no IPv4 or IPv6 address");
}

TEST(DnsName, IsLabelsOfLettersAndDigits) {
    for (const char* text : {"db.test", "DB.Test.", "_sip._tcp.test", "a"}) EXPECT_TRUE(read(type::dns_name(), text)) << text;
    for (const char* text : {"*", "*.test", "a.*.test", "a..b", ".a", "", ".", "a b", "t\xe9st"}) wrong(type::dns_name(), text);
    wrong(type::dns_name(), std::string(64, 'a') + ".test");
    EXPECT_TRUE(read(type::dns_name(), std::string(63, 'a') + ".test"));
    for (const auto& type : {type::dns_name(), type::peer()}) EXPECT_EQ(read(type, "bücher.test"), "xn--bcher-kva.test");
}

TEST(RecordType, HasANameOrANumber) {
    EXPECT_EQ(read(type::record_type(), "aaaa"), 28);
    EXPECT_EQ(read(type::record_type(), "TYPE65"), 65);
    EXPECT_EQ(wrong(type::record_type(), "AAA"), "unknown record type 'AAA'; did you mean 'AAAA'?");
    EXPECT_EQ(wrong(type::record_type(), "TYPE65536"), "unknown record type 'TYPE65536'; any type can be written as TYPE65");
}

TEST(Url, NamesAHost) {
    for (const char* text : {"http://10.0.0.1/", "https://web.test:8443/x?y=1", "http://[fd00::1]:80/"})
        EXPECT_TRUE(read(type::url(), text)) << text;
    for (const char* text : {"ftp://x/", "web.test", "http://", "http:///x", "http://x:70000/", "http://a b/", "http://10.0.0.300/"})
        wrong(type::url(), text);
}

TEST(Limit, IsAComparisonAndAValue) {
    const auto success = read(type::share_limit(), ">= 99%");
    ASSERT_TRUE(success);
    EXPECT_EQ(success->op, Limit::Op::at_least);
    EXPECT_EQ(success->value, 0.99);
    EXPECT_EQ(success->text, ">= 99%");
    EXPECT_EQ(read(type::share_limit(), "<5%")->op, Limit::Op::less);
    EXPECT_EQ(read(type::share_limit(), "> 5%")->op, Limit::Op::more);
    EXPECT_EQ(read(type::duration_limit(), "<= 250ms")->value, 250e6);
    EXPECT_EQ(wrong(type::share_limit(), "99%"), R"(expected a limit such as ">= 99%", not '99%')");
    for (const char* text : {">=", "=> 99%", ">= 101%", ">= 99", "== 99%", ""}) wrong(type::share_limit(), text);
}

TEST(List, IsOneOrSeveralAndTellsOfEachThatIsWrong) {
    EXPECT_THAT(*read(type::list(type::port()), "80"), ElementsAre(80));
    Datum ports;
    ports.type = Datum::Type::list;
    for (const char* text : {"0", "80", "x"}) ports.list.push_back(datum_of(text, Shape::scalar));
    Complaints complaints;
    EXPECT_FALSE(type::list(type::port()).read(ports, complaints));
    EXPECT_EQ(complaints.errors.size(), 2U);
    ports.list.clear();
    EXPECT_FALSE(type::list(type::port()).read(ports, complaints));
    EXPECT_EQ(complaints.errors.back().text, "an empty array says nothing: leave the key out, or name one");
}

TEST(Nearest, IsASlipOfTheHandAway) {
    const std::vector<std::string> answers = {"empty", "nxdomain", "servfail", "refused", "timeout"};
    EXPECT_EQ(nearest("emtpy", answers), "empty");
    EXPECT_EQ(nearest("EMPTY", answers), "empty");
    EXPECT_EQ(nearest("nxdomian", answers), "nxdomain");
    EXPECT_EQ(nearest("serv", answers), "servfail");
    EXPECT_EQ(nearest("blue", answers), "");
    EXPECT_EQ(nearest("q", {"p"}), "");
    EXPECT_EQ(nearest("host", {"hosts", "most"}), "hosts");
    EXPECT_EQ(nearest("", answers), "");
    EXPECT_EQ(nearest(std::string(100'000, 'e'), answers), "");
    EXPECT_EQ(distance("ab", "ba"), 1U);
    EXPECT_EQ(distance("", "abc"), 3U);
    EXPECT_EQ(hint("blue", {"a", "b", "c"}), "; expected a, b or c");
}

TEST(Option, BecomesADatumByItsShape) {
    const auto cycle = datum_of("fail=3,pass=2", Shape::pairs);
    ASSERT_NE(cycle.find("pass"), nullptr);
    EXPECT_EQ(cycle.find("pass")->value.integer, 2);
    EXPECT_EQ(datum_of("on=2s,off=3s", Shape::pairs).find("off")->value.text, "3s");
    EXPECT_EQ(datum_of("10.0.0.1,fd00::1", Shape::commas).list.size(), 2U);
    EXPECT_EQ(datum_of("empty", Shape::commas).text, "empty");
}

}  // namespace
}  // namespace blackstart
