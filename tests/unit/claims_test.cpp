#include "injector/claims.h"

#include <gtest/gtest.h>

namespace blackstart {
namespace {

using Claims = std::vector<std::string>;

bool collide(const std::string& one, const std::string& other) {
    const bool collides = first_collision({one}, {other}).has_value();
    EXPECT_EQ(collides, first_collision({other}, {one}).has_value()) << one << " and " << other << " from the other side";
    return collides;
}

TEST(Claims, OfDnsAreItsNamesInLowerCaseWithPortAndWhatNarrowsThem) {
    DnsFault fault;
    fault.names = {"DB.test.", "*.svc.test"};
    EXPECT_EQ(claims(fault), (Claims{"dns:db.test:53", "dns:*.svc.test:53"}));
    fault.types = {1, 28};
    fault.port = 5353;
    EXPECT_EQ(claims(fault), (Claims{"dns:db.test:5353 types=1,28", "dns:*.svc.test:5353 types=1,28"}));
    fault.names = {"My Printer: 1.test"};
    fault.servers = {"10.0.0.1", "fd00::/8"};
    fault.opcodes = {5};
    EXPECT_EQ(claims(fault), Claims{"dns:my_printer__1.test:5353 types=1,28 servers=10.0.0.1,fd00::/8 opcodes=5"});
}

TEST(Claims, OfHealthAreItsPortsAndNetworkKindsHaveNone) {
    HealthFault fault;
    fault.ports = {80, 8080};
    EXPECT_EQ(claims(fault), (Claims{"health:80", "health:8080"}));
    fault.path = "/healthz";
    fault.from = {"10.0.0.0/8"};
    EXPECT_EQ(claims(fault), (Claims{"health:80 path=/healthz from=10.0.0.0/8", "health:8080 path=/healthz from=10.0.0.0/8"}));
    EXPECT_TRUE(claims(LatencyFault{}).empty());
    EXPECT_TRUE(claims(ProcessFault{}).empty());
    HttpFault http;
    http.ports = {80};
    http.method = "POST";
    EXPECT_EQ(claims(http), Claims{"http:80 method=POST"});
}

TEST(Claims, AWildcardCollidesWithWhatIsBelowItEitherWayRound) {
    EXPECT_TRUE(collide("dns:*.svc.test:53", "dns:a.svc.test:53"));
    EXPECT_TRUE(collide("dns:a.b.svc.test:53", "dns:*.svc.test:53"));
    EXPECT_TRUE(collide("dns:*.svc.test:53", "dns:*.a.svc.test:53"));
    EXPECT_FALSE(collide("dns:*.svc.test:53", "dns:svc.test:53"));
    EXPECT_FALSE(collide("dns:*.svc.test:53", "dns:othersvc.test:53"));
}

TEST(Claims, OfQueriesThatCannotBeTheSameDoNotCollide) {
    EXPECT_FALSE(collide("dns:db.test:53", "dns:db.test:5353"));
    EXPECT_FALSE(collide("dns:db.test:53 types=1", "dns:db.test:53 types=28"));
    EXPECT_TRUE(collide("dns:db.test:53 types=1,28", "dns:db.test:53 types=28"));
    EXPECT_TRUE(collide("dns:db.test:53", "dns:db.test:53 types=28"));
    EXPECT_FALSE(collide("dns:db.test:53 servers=10.0.0.1", "dns:db.test:53 servers=10.0.0.2,fd00::1"));
    EXPECT_TRUE(collide("dns:db.test:53 types=1 servers=10.0.0.1", "dns:db.test:53 servers=fd00::1,10.0.0.0/8"));
    EXPECT_FALSE(collide("dns:db.test:53", "dns:db.test:53 opcodes=5"));
    EXPECT_TRUE(collide("dns:db.test:53", "dns:db.test:53 opcodes=0,5"));
}

TEST(Claims, OfChecksThatCannotBeTheSameDoNotCollide) {
    EXPECT_FALSE(collide("health:80", "health:8080"));
    EXPECT_TRUE(collide("health:80", "health:80"));
    EXPECT_FALSE(collide("health:80", "http:80"));
    EXPECT_FALSE(collide("health:80 path=/livez", "health:80 path=/readyz"));
    EXPECT_TRUE(collide("health:80 path=/livez", "health:80"));
    EXPECT_TRUE(collide("health:80 path=/live*", "health:80 path=/livez"));
    EXPECT_FALSE(collide("health:80 from=10.0.0.1", "health:80 from=10.0.1.0/24"));
    EXPECT_TRUE(collide("health:80 from=10.0.0.1", "health:80 from=fd00::1,10.0.0.0/24"));
    EXPECT_FALSE(collide("health:443 sni=a.test", "health:443 sni=b.test"));
    EXPECT_TRUE(collide("health:443 sni=a.test", "health:443 sni=*.test"));
    EXPECT_FALSE(collide("http:80 method=GET", "http:80 method=POST"));
    EXPECT_FALSE(collide("health:exec:/bin/a", "health:exec:/bin/b"));
}

TEST(Claims, OfTenThousandNamesAreComparedAtOnce) {
    Claims ours, theirs;
    for (int i = 0; i < 10'000; i++) {
        ours.push_back("dns:a" + std::to_string(i) + ".test:53");
        theirs.push_back("dns:*.b" + std::to_string(i) + ".test:53 types=1");
    }
    EXPECT_FALSE(first_collision(ours, theirs));
    ours.emplace_back("dns:x.b77.test:53 types=28,1");
    const auto both = first_collision(ours, theirs);
    ASSERT_TRUE(both);
    EXPECT_EQ(both->first, "dns:x.b77.test:53 types=28,1");
    EXPECT_EQ(both->second, "dns:*.b77.test:53 types=1");
    EXPECT_TRUE(first_collision({"dns:*:53"}, {"dns:db.test:53"}));
    EXPECT_FALSE(first_collision({"dns:*:53"}, {"dns:db.test:5353"}));
}

}  // namespace
}  // namespace blackstart
