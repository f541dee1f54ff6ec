// [[expect]] and [[meter]] tables: what the newer conditions become, and what is said, and where, of each way to get them wrong.
#include "tests/unit/parsed.h"

namespace blackstart {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

// What follows begins at line 24.
const std::string head = R"([experiment]
name = "x"
duration = "30s"
repeat = 20
[target.web]
netns = "web"
[[fault]]
name = "gone"
kind = "dns"
target = "web"
for = "10s"
names = "db.test"
answer = "empty"
[[probe]]
name = "pool"
kind = "exec"
run = ["pool"]
every = "100ms"
[[probe]]
name = "port"
kind = "tcp"
every = "100ms"
address = "10.0.0.1:80"
)";

Parsed parsed(const std::string& rest) { return parse(head + rest, "x.toml"); }
std::vector<std::string> errors(const std::string& rest) { return said(parsed(rest).errors); }

template <class Condition> Condition condition(const std::string& lines) {
    const auto found = parsed("[[meter]]\nname = \"m\"\ncount = \"packets\"\n[[expect]]\n" + lines);
    EXPECT_THAT(said(found.errors), IsEmpty());
    return std::get<Condition>(found.experiment.expectations.at(0).condition);
}

TEST(ParseExpectations, ReadsEveryCondition) {
    const std::string pool = "probe = \"pool\"\n";
    condition<NeverBackwards>(pool + "never_backwards = true");
    const auto share = condition<NeverBelow>(pool + "never_below = \"50%\"");
    EXPECT_TRUE(share.share);
    EXPECT_EQ(share.floor, 0.5);
    EXPECT_EQ(share.text, "50%");
    const auto absolute = condition<NeverBelow>(pool + "never_below = 2.5");
    EXPECT_FALSE(absolute.share);
    EXPECT_EQ(absolute.floor, 2.5);
    EXPECT_EQ(absolute.text, "2.5");
    const auto velocity = condition<Velocity>(pool + "velocity = { removes_at_most = \"25%\", per = \"60s\" }");
    EXPECT_EQ(velocity.removes_at_most, 0.25);
    EXPECT_EQ(velocity.per, 60s);
    EXPECT_EQ(condition<Flap>(pool + "flap = \"<= 20%\"").limit.value, 0.2);
    EXPECT_EQ(condition<MaxUndos>(pool + "max_undos = 0").most, 0);
    const auto agrees = condition<AgreesWith>(pool + "agrees_with = \"port\"\ndisagreement = \"<= 5%\"");
    EXPECT_EQ(agrees.other, "port");
    EXPECT_EQ(agrees.disagreement.value, 0.05);
    EXPECT_EQ(condition<Exactly>(pool + "exactly = 1").count, 1);
    EXPECT_EQ(condition<Amplification>("meter = \"m\"\namplification = \"<= 3x\"").limit.value, 3);
    const auto spread = condition<Spread>("meter = \"m\"\nspread = \"<= 1.5x\"\nafter = \"gone.stop\"");
    EXPECT_EQ(spread.limit.value, 1.5);
    EXPECT_EQ(spread.fault, "gone");
    EXPECT_TRUE(spread.stop);
    EXPECT_EQ(condition<Spread>("meter = \"m\"\nspread = \"<= 2x\"").fault, "");
    EXPECT_EQ(parsed("").experiment.repeat, 20);
}

TEST(ParseExpectations, TellsWhatCannotBe) {
    EXPECT_THAT(errors(R"([[expect]]
probe = "pool"
never_backwards = false
[[expect]]
probe = "pool"
never_below = "half"
[[expect]]
probe = "pool"
never_below = [1]
[[expect]]
probe = "pool"
velocity = { removes_at_most = "25", per = "60", in = 1 }
[[expect]]
probe = "pool"
velocity = { per = "60s" }
[[expect]]
probe = "pool"
exactly = "one"
)"),
                ElementsAre("26:19: never_backwards: expected true: an expectation that is not wanted is left out",
                            "29:15: never_below: expected a share such as \"25%\", not 'half'",
                            "32:15: never_below: expected a share such as \"50%\" of the baseline's median, or a number, not an array",
                            "35:32: velocity.removes_at_most: expected a share such as \"25%\", not '25'",
                            "35:44: velocity.per: '60' has no unit: did you mean '60s'?",
                            "35:50: velocity: unknown key 'in' in velocity; expected removes_at_most or per",
                            "38:12: velocity: velocity needs 'removes_at_most': share of the baseline's median, as in \"25%\"",
                            "41:11: exactly: expected a number, not 'one'"));
}

TEST(ParseExpectations, TellsOfNamesThatAreNot) {
    EXPECT_THAT(errors(R"([[meter]]
name = "retries"
target = "wbe"
count = "packet"
[[expect]]
probe = "port"
max_undos = 0
[[expect]]
probe = "pool"
agrees_with = "prot"
disagreement = "<= 5%"
[[expect]]
probe = "pool"
agrees_with = "pool"
disagreement = "<= 5%"
[[expect]]
meter = "retires"
amplification = "<= 3"
[[expect]]
meter = "retrys"
spread = "<= 2x"
after = "gon.stop"
[[expect]]
probe = "pool"
meter = "retries"
amplification = "<= 3x"
[[expect]]
probe = "pool"
max_undoes = 0
)"),
                ElementsAre("26:10: target: unknown target 'wbe'; did you mean 'web'?",
                            "27:9: count: unknown count 'packet'; did you mean 'packets'?", "30:13: max_undos: probe 'port' has no value",
                            "33:15: agrees_with: unknown probe 'prot'; did you mean 'port'?",
                            "37:15: agrees_with: a probe always agrees with itself: name another",
                            "40:9: meter: unknown meter 'retires'; did you mean 'retries'?",
                            "41:17: amplification: expected a multiple above 0 such as \"3x\", not '3'",
                            "43:9: meter: unknown meter 'retrys'; did you mean 'retries'?",
                            "45:9: after: unknown fault 'gon'; did you mean 'gone'?",
                            "47:1: unknown key 'probe' in expectation 6; expected during, amplification or meter",
                            "52:1: unknown key 'max_undoes' in expectation 7; did you mean 'max_undos'?"));
}

TEST(ParseMeters, ReadWhatIsCounted) {
    const auto meters =
        parsed("[[meter]]\nname = \"checks\"\ntarget = \"web\"\ncount = \"http-requests\"\nport = [80, 8080]\n").experiment.meters;
    ASSERT_EQ(meters.size(), 1U);
    EXPECT_EQ(meters[0].name, "checks");
    EXPECT_EQ(meters[0].target, "web");
    EXPECT_EQ(meters[0].plan.count, MeterPlan::Count::http_requests);
    EXPECT_THAT(meters[0].plan.ports, ElementsAre(80, 8080));
    EXPECT_THAT(errors("[[meter]]\nname = \"m\"\ncount = \"packets\"\n[[meter]]\nname = \"m\"\n"),
                ElementsAre("27:1: meter 'm' needs 'count': packets, connections, dns-queries or http-requests",
                            "28:8: name: there is another meter 'm'"));
}

// --- other expectations for an old history ---

TEST(ParseExpecting, TakesTheExpectTablesOfAnotherFile) {
    const std::string right = head + "[[expect]]\nprobe = \"port\"\nsuccess = \">= 99%\"\n";
    const auto tried = parse_expecting(right, "[[expect]]\nprobe = \"pool\"\nexactly = 1\n", "other.toml");
    EXPECT_THAT(said(tried.errors), IsEmpty());
    ASSERT_EQ(tried.experiment.expectations.size(), 1U);
    EXPECT_EQ(tried.experiment.expectations[0].probe, "pool");
    EXPECT_EQ(tried.experiment.faults.size(), 1U);
}

TEST(ParseExpecting, TakesAWholeExperimentAndSaysThatTheRestIsNotRead) {
    const std::string right = head + "[[expect]]\nprobe = \"port\"\nsuccess = \">= 99%\"\n";
    const auto tried =
        parse_expecting(right, "[[probe]]\nname = \"p\"\n[[guard]]\n[[expect]]\nprobe = \"pool\"\nexactly = 1\n", "other.toml");
    EXPECT_THAT(said(tried.errors), IsEmpty());
    EXPECT_THAT(said(tried.warnings), ElementsAre("1:3: 'probe' is not read here: all but [[expect]] is as it was run"));
    ASSERT_EQ(tried.experiment.expectations.size(), 1U);
    EXPECT_EQ(tried.experiment.expectations[0].probe, "pool");
    EXPECT_EQ(tried.experiment.probes.size(), parse(right, "").experiment.probes.size());
}

TEST(ParseExpecting, TellsWhatIsWrongInThatFile) {
    const auto wrong = [](const std::string& text) {
        const auto parsed = parse_expecting(head, text, "other.toml");
        EXPECT_EQ(parsed.errors.at(0).file, "other.toml");
        return said(parsed.errors);
    };
    EXPECT_THAT(wrong("[[expect]]\nprobe = \"poll\"\nexactly = 1\n"),
                ElementsAre("2:9: probe: unknown probe 'poll'; did you mean 'pool'?"));
    EXPECT_THAT(wrong("[[expects]]\n[[expect]]\nprobe = \"pool\"\nexactly = 1\n"),
                ElementsAre("1:3: unknown table or key 'expects'; did you mean 'expect'?"));
    EXPECT_THAT(wrong(""), ElementsAre("0:0: there is no [[expect]] in it"));
    EXPECT_THAT(wrong("x"), testing::SizeIs(1));
}

// --- two health faults on one check ---

std::string health(const std::string& name, const std::string& rest) {
    return "[[fault]]\nname = \"" + name + "\"\nkind = \"health\"\ntarget = \"web\"\nfor = \"10s\"\n" + rest;
}

TEST(ParseHealthRules, TwoResultsForOneCheckAtOneTimeAreRefused) {
    const auto two = [](const std::string& one, const std::string& other) { return errors(health("a", one) + health("b", other)); };
    EXPECT_THAT(two("port = 80\npath = \"/health\"\nresult = 503\n", "port = [79, 80]\npath = \"/he*\"\nresult = \"reset\"\n"),
                ElementsAre("37:8: port: a check on 80 is shown another result by fault 'a' at the same time"));
    EXPECT_THAT(two("port = 80\nresult = 503\n", "port = 80\nagent = \"kube*\"\nresult = 500\n"), testing::SizeIs(1));
    EXPECT_THAT(two("port = 80\nresult = 503\n", "port = 80\npath = \"/x\"\nresult = 503\n"), IsEmpty());  // the same result
    EXPECT_THAT(two("port = 80\nresult = 503\n", "port = 81\nresult = 500\n"), IsEmpty());
    EXPECT_THAT(two("port = 80\npath = \"/a\"\nresult = 503\n", "port = 80\npath = \"/ab\"\nresult = 500\n"), IsEmpty());
    EXPECT_THAT(two("port = 80\npath = \"/a*\"\nresult = 503\n", "port = 80\npath = \"/ab*\"\nresult = 500\n"), testing::SizeIs(1));
    EXPECT_THAT(two("port = 80\nfrom = \"10.0.0.0/8\"\nresult = 503\n", "port = 80\nfrom = \"10.1.2.3\"\nresult = 500\n"),
                testing::SizeIs(1));
    EXPECT_THAT(two("port = 80\nfrom = \"10.0.0.0/8\"\nresult = 503\n", "port = 80\nfrom = \"fd00::1\"\nresult = 500\n"), IsEmpty());
    EXPECT_THAT(two("port = 80\nresult = 503\n", "port = 80\nat = \"10s\"\nresult = 500\n"), IsEmpty());
}

}  // namespace
}  // namespace blackstart
