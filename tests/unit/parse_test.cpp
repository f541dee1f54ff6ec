// The experiment file: what a right one becomes, and what is said, and where, of each way to get it wrong.
#include <chrono>

#include "tests/unit/parsed.h"

namespace blackstart {
namespace {

using namespace std::chrono_literals;
using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr const char* whole_file = R"([experiment]
name     = "health-checks-lie"
title    = "The pool keeps serving while every health check lies"
baseline = "5s"
duration = "30s"
seed     = 7

[target.web]
netns     = "web1"
interface = ["eth0"]
cgroup    = "system.slice/web.service"
[target.dns]
netns = "dns"

[[fault]]
name   = "lie"
kind   = "health"
target = ["web", "dns"]
at     = "1s"
for    = "20s"
port   = 8080
path   = "/healthz"
result = 503
cycle  = { fail = 3, pass = 2 }
[[fault]]
kind  = "dns"
for   = "10s"
names = ["db.test", "*.svc.test"]
types = ["A", "aaaa"]
servers = "10.99.0.53"
answer = ["10.0.0.1", "fd00::1"]
ttl = 60
probability = "30%"
[[fault]]
kind = "latency"
for = "1m"
at = "0s"
to = "any"
port = [80, 443]
protocol = "tcp"
direction = "both"
delay = "100ms"
jitter = "10ms"
cycle = { on = "6s", off = "4s" }

[[probe]]
name    = "customers"
kind    = "http"
from    = "client"
url     = "http://10.99.0.20/"
every   = "50ms"
timeout = "2s"
headers = ["Host: web.test"]
expect  = { status = 200, body = "ok" }
value   = { json = "/pool" }
[[probe]]
name = "answers"
kind = "dns"
server = "10.99.0.53"
query = "db.test"
type = "AAAA"
expect = { rcode = "nxdomain", answers = ["10.0.0.1"] }
baseline = false
[[probe]]
name = "lookup"
kind = "resolve"
query = "db.test"
family = "ipv6"
[[probe]]
name = "port"
kind = "tcp"
address = "[fd99::20]:80"
expect = { banner = "SSH" }
[[probe]]
name = "command"
kind = "exec"
run = ["echo", ""]
expect = { exit = 1, stdout = "x" }

[[expect]]
probe   = "customers"
during  = "lie"
success = ">= 99%"
[[expect]]
probe   = "customers"
latency = { p50 = "<= 100ms", "p99.9" = "<= 250ms" }
[[expect]]
probe = "customers"
recovers_within = "3s"
after = "lie.stop"
hold = "2s"
[[expect]]
probe = "answers"
never_empty = true
[[expect]]
probe = "port"
max_transitions = 4

[[guard]]
probe = "customers"
trips = "success < 50%"
over  = "3s"

[lab]
hosts = { client = ["10.99.0.10"], lb = ["10.99.0.20", "fd99::20"], web1 = "10.99.0.31", dns = ["10.99.0.53"] }
resolver = "10.99.0.53"
[[lab.service]]
name    = "haproxy"
host    = "lb"
run     = ["haproxy", "-db", "-f", "haproxy.cfg"]
ready   = { tcp = "10.99.0.20:80", timeout = "3s" }
restart = true
package = "haproxy"
)";

std::string right_file() {
    std::string text = whole_file;
    return text.replace(text.find("\"1m\""), 4, "\"30s\"");
}

TEST(Parse, FillsEveryKeyOfARightFile) {
    const auto parsed = parse(right_file(), "x.toml");
    EXPECT_THAT(said(parsed.errors), IsEmpty());
    EXPECT_THAT(said(parsed.warnings),
                ElementsAre("4:12: baseline: holds 5 observations of 'port'; it takes 10 to be steady",
                            "86:11: latency <= 250ms: the time from t0 holds 600 observations of 'customers'; it takes 1000 to show that"))
        << "only what is short of samples";
    const auto& e = parsed.experiment;
    EXPECT_EQ(e.name, "health-checks-lie");
    EXPECT_EQ(e.baseline, 5s);
    EXPECT_EQ(e.duration, 30s);
    EXPECT_EQ(e.seed, 7U);
    EXPECT_EQ(e.targets.at("web").netns, "web1");
    EXPECT_THAT(e.targets.at("web").interface, ElementsAre("eth0"));
    EXPECT_EQ(e.targets.at("web").cgroup, "system.slice/web.service");
}

TEST(Parse, FillsFaults) {
    const auto e = parse(right_file(), "x.toml").experiment;
    ASSERT_EQ(e.faults.size(), 3U);
    EXPECT_EQ(e.faults[0].name, "lie");
    EXPECT_THAT(e.faults[0].targets, ElementsAre("web", "dns"));
    EXPECT_EQ(e.faults[0].at, 1s);
    EXPECT_EQ(e.faults[0].terms.duration, 20s);
    EXPECT_EQ(e.faults[0].terms.cycle->fail, 3U);
    EXPECT_EQ(e.faults[0].terms.cycle->pass, 2U);
    const auto& health = std::get<HealthFault>(e.faults[0].fault);
    EXPECT_THAT(health.ports, ElementsAre(8080));
    EXPECT_EQ(health.status, 503);
    EXPECT_EQ(e.faults[1].name, "dns-2");
    EXPECT_EQ(e.faults[1].terms.probability, 0.3);
    const auto& dns = std::get<DnsFault>(e.faults[1].fault);
    EXPECT_THAT(dns.names, ElementsAre("db.test", "*.svc.test"));
    EXPECT_THAT(dns.types, ElementsAre(1, 28));
    EXPECT_EQ(dns.answers.at(0).answer, DnsFault::Answer::addresses);
    EXPECT_THAT(dns.answers.at(0).addresses, ElementsAre("10.0.0.1", "fd00::1"));
    EXPECT_EQ(dns.ttl, 60s);
    const auto& latency = std::get<LatencyFault>(e.faults[2].fault);
    EXPECT_THAT(latency.match.ports, ElementsAre(80, 443));
    EXPECT_EQ(latency.match.direction, Match::Way::both);
    EXPECT_EQ(latency.jitter, 10ms);
    EXPECT_EQ(e.faults[2].terms.cycle->off, 4s);
}

TEST(Parse, FillsProbesExpectationsGuardsAndLab) {
    const auto e = parse(right_file(), "x.toml").experiment;
    ASSERT_EQ(e.probes.size(), 5U);
    EXPECT_EQ(e.probes[0].every, 50ms);
    EXPECT_THAT(std::get<HttpProbe>(e.probes[0].kind).status, ElementsAre(200));
    EXPECT_EQ(std::get<HttpProbe>(e.probes[0].kind).value->json, "/pool");
    EXPECT_EQ(std::get<DnsProbe>(e.probes[1].kind).rcode, 3);
    EXPECT_FALSE(e.probes[1].baseline);
    EXPECT_EQ(e.probes[1].every, 1s);
    EXPECT_EQ(std::get<ResolveProbe>(e.probes[2].kind).name, "db.test");
    EXPECT_EQ(e.probes[2].name, "lookup");
    EXPECT_EQ(std::get<TcpProbe>(e.probes[3].kind).banner, "SSH");
    EXPECT_THAT(std::get<ExecProbe>(e.probes[4].kind).run, ElementsAre("echo", ""));
    ASSERT_EQ(e.expectations.size(), 5U);
    EXPECT_EQ(std::get<LatencyLimits>(e.expectations[1].condition).quantiles.at(0.999).value, 250e6);
    const auto& recovers = std::get<RecoversWithin>(e.expectations[2].condition);
    EXPECT_EQ(recovers.fault, "lie");
    EXPECT_TRUE(recovers.stop);
    EXPECT_EQ(recovers.hold, 2s);
    EXPECT_EQ(std::get<MaxTransitions>(e.expectations[4].condition).most, 4);
    ASSERT_EQ(e.guards.size(), 1U);
    EXPECT_EQ(e.guards[0].success.op, Limit::Op::less);
    EXPECT_EQ(e.guards[0].text, "success < 50%");
    ASSERT_TRUE(e.lab);
    EXPECT_THAT(e.lab->hosts.at("lb"), ElementsAre("10.99.0.20", "fd99::20"));
    EXPECT_THAT(e.lab->hosts.at("web1"), ElementsAre("10.99.0.31"));
    EXPECT_EQ(e.lab->services.at(0).ready.timeout, 3s);
    EXPECT_TRUE(e.lab->services.at(0).restart);
}

TEST(Parse, TellsWhereTheSyntaxIsWrong) {
    EXPECT_THAT(said(parse("a = 1\na = 2\n", "x").errors), ElementsAre("2:5: not TOML: cannot redefine existing integer 'a'"));
    EXPECT_THAT(said(parse("x = \"\xff\"", "x").errors), ElementsAre("1:5: not TOML: Encountered invalid utf-8 sequence"));
    EXPECT_EQ(to_string(parse("[x", "lie.toml").errors.at(0)), "lie.toml:1:3: not TOML: encountered end-of-file");
}

TEST(Parse, TakesEverySeedThatTomlCanWrite) {
    for (const auto* seed : {"0", "9223372036854775807"}) {
        auto text = right_file();
        const auto parsed = parse(text.replace(text.find("seed     = 7") + 11, 1, seed), "x.toml");
        EXPECT_THAT(said(parsed.errors), IsEmpty());
        EXPECT_EQ(parsed.experiment.seed, std::stoull(seed));
    }
}

TEST(Parse, NeedsAnExperiment) {
    EXPECT_THAT(said(parse("", "x").errors), ElementsAre("1:1: needs [experiment] with 'name' and 'duration'"));
    EXPECT_THAT(
        said(parse("[experiment]\nname = \"A b\"\nduraton = \"1s\"\nbaseline = \"0s\"\nseed = -1\nrepeat = 0\n", "x").errors),
        ElementsAre("1:1: [experiment] needs 'duration': from t0 to the end of observation",
                    "2:8: name: 'A b' is no experiment's name: small letters, digits and '-' only",
                    "3:1: unknown key 'duraton' in [experiment]; did you mean 'duration'?",
                    "4:12: baseline: a duration of 0 does nothing: expected a duration such as \"250ms\", \"10s\", \"2m\" or \"1h\"",
                    "5:8: seed: expected a whole number of at least 0, not -1",
                    "6:10: repeat: expected a whole number from 1 to 1000, not 0"));
}

TEST(Parse, TellsOfUnknownTables) {
    EXPECT_THAT(errors("[[fualt]]\n[[meter]]\n[fault]\n"), Contains("5:3: unknown table or key 'fualt'; did you mean 'fault'?"));
    EXPECT_THAT(errors("[fault]\n"), ElementsAre("5:1: expected [[fault]], an array of tables, not a table"));
    EXPECT_THAT(said(parse("fault = 1\n" + after_head(""), "x").errors), ElementsAre("1:9: expected [[fault]], an array of tables, not 1"));
    EXPECT_THAT(said(parse("fault = [1]\n" + after_head(""), "x").errors), ElementsAre("1:10: fault 1: expected a table, not 1"));
}

TEST(Parse, TellsOfKinds) {
    EXPECT_THAT(
        errors("[[fault]]\nkind = \"dnss\"\n[[fault]]\n[[fault]]\nkind = 5\n"),
        ElementsAre("6:8: unknown kind 'dnss'; did you mean 'dns'?", ::testing::HasSubstr("7:1: fault 2 needs 'kind': dns, latency"),
                    ::testing::HasSubstr("9:8: kind: expected dns, latency")));
    EXPECT_THAT(errors("[[probe]]\nname = \"p\"\nkind = \"units\"\n"), ElementsAre("7:8: unknown kind 'units'; did you mean 'unit'?"));
}

TEST(Parse, TellsOfReferencesToNothing) {
    const std::string dns = fault + "names = \"a\"\nanswer = \"empty\"\ntarget = [\"web\", \"wbe\", \"web\"]\n[target.web]\n";
    EXPECT_THAT(errors(dns + probe + R"([[expect]]
probe = "q"
success = ">= 50%"
during = "faultt"
[[expect]]
probe = "p"
recovers_within = "1s"
after = "g.start"
[[guard]]
probe = "pp"
trips = "success < 50%"
)"),
                ElementsAre("11:18: target: unknown target 'wbe'; did you mean 'web'?", "11:25: target: 'web' is named twice",
                            "18:9: probe: unknown probe 'q'; expected p", "20:10: during: unknown fault 'faultt'; did you mean 'fault'?",
                            "24:9: after: unknown fault 'g'; expected f", "26:9: probe: unknown probe 'pp'; did you mean 'p'?"));
    EXPECT_THAT(errors(fault + "names = \"a\"\nanswer = \"empty\"\ntarget = \"web\"\n"),
                ElementsAre("11:10: target: unknown target 'web'; there is no [target.web]"));
}

TEST(Parse, TellsOfDoubleAndReservedNames) {
    const std::string rest = "names = \"a\"\nanswer = \"empty\"\n";
    EXPECT_THAT(errors(fault + rest + "[[fault]]\nname = \"f\"\nkind = \"dns\"\nfor = \"1s\"\nat = \"15s\"\n" + rest),
                ElementsAre("12:8: name: there is another fault 'f'"));
    EXPECT_THAT(errors(probe + probe), ElementsAre("10:8: name: there is another probe 'p'"));
    EXPECT_THAT(errors("[[fault]]\nname = \"after\"\nkind = \"dns\"\nfor = \"1s\"\n" + rest),
                ElementsAre("6:8: name: 'after' is a window of every experiment"));
    EXPECT_THAT(errors("[[probe]]\nname = \"a b\"\nkind = \"tcp\"\naddress = \"a:1\"\n"),
                ElementsAre("6:8: name: 'a b' is no name: letters, digits, '-', '_' and '.', at most 64, the first a letter or digit"));
}

TEST(Parse, WantsOneConditionAnExpectation) {
    EXPECT_THAT(errors(probe + "[[expect]]\nprobe = \"p\"\n"),
                ElementsAre("9:1: expectation 1 needs one condition: success, latency, recovers_within, never_empty, never_backwards, "
                            "never_below, velocity, max_transitions, flap, max_undos, agrees_with, exactly, amplification or spread"));
    EXPECT_THAT(errors(probe + "[[expect]]\nprobe = \"p\"\nsucess = \">= 50%\"\n"),
                ElementsAre("11:1: unknown key 'sucess' in expectation 1; did you mean 'success'?"));
    EXPECT_THAT(
        errors(probe + "[[expect]]\nprobe = \"p\"\nsuccess = \">= 50%\"\nmax_transitions = 1\n"),
        ElementsAre("12:1: expectation 1 has more than one condition, 'success' and 'max_transitions': write an [[expect]] for each"));
}

TEST(Parse, TellsOfConditionsThatCannotBe) {
    EXPECT_THAT(errors(probe + R"([[expect]]
probe = "p"
success = "99%"
hold = "5s"
[[expect]]
probe = "p"
latency = { p99 = "<= 1", x = 4, p100 = "<= 1s", p999 = "<= 1s" }
[[expect]]
probe = "p"
recovers_within = "5s"
after = "f.end"
[[expect]]
probe = "p"
never_empty = false
[[expect]]
probe = "p"
never_empty = true
[[expect]]
max_transitions = -1
)"),
                ElementsAre("11:11: success: expected a limit such as \">= 99%\", not '99%'",
                            "12:1: unknown key 'hold' in expectation 1; expected probe, during or success",
                            "15:19: latency.p99: '1' has no unit: did you mean '1s'?",
                            "15:27: latency.x: 'x' is no quantile: expected p50, p99, \"p99.9\" …",
                            "15:31: latency.x: expected a limit such as \"<= 250ms\", not 4",
                            "15:34: latency.p100: 'p100' is no quantile: expected p50, p99, \"p99.9\" …",
                            "15:50: latency.p999: 'p999' is no quantile: did you mean \"p99.9\"?",
                            "19:9: after: expected a fault's name and .start or .stop, as in \"lie.stop\", not 'f.end'",
                            "22:15: never_empty: expected true: an expectation that is not wanted is left out",
                            "25:15: never_empty: probe 'p' has no value",
                            "26:1: expectation 6 needs 'probe': the probe whose observations are judged",
                            "27:19: max_transitions: expected a whole number from 0 to 1000000, not -1"));
    EXPECT_THAT(errors(probe + "[[expect]]\nprobe = \"p\"\nrecovers_within = \"5s\"\n"),
                ElementsAre("9:1: expectation 1 needs 'after': the event, as in \"lie.start\" or \"lie.stop\""));
}

TEST(Parse, TellsOfGuardsThatCannotBe) {
    EXPECT_THAT(errors(probe + "[[guard]]\nprobe = \"p\"\ntrips = \"success > 50%\"\n[[guard]]\nprobe = \"p\"\ntrips = \"latency < 5s\"\n"),
                ElementsAre("11:9: trips: a guard trips when success falls: expected < or <=, as in \"success < 50%\"",
                            "14:9: trips: expected \"success < 50%\", not 'latency < 5s'"));
    EXPECT_THAT(errors(probe + "[[guard]]\nprobe = \"p\"\n"),
                ElementsAre("9:1: guard 1 needs 'trips': when the run is stopped, as in \"success < 50%\""));
}

TEST(Parse, WarnsOfWindowsThatHoldTooFewSamples) {
    const std::string right = fault + "names = \"a\"\nanswer = \"empty\"\n" + probe;
    EXPECT_THAT(warnings(right + "[[expect]]\nprobe = \"p\"\nduring = \"fault\"\nsuccess = \">= 99%\"\n"),
                ElementsAre("1:1: baseline: holds 5 observations of 'p'; it takes 10 to be steady",
                            "18:11: success >= 99%: 'fault' holds 10 observations of 'p'; it takes 268 to show that"))
        << "the head has no baseline to point at";
    const std::string often = right + "every = \"100ms\"\n[[expect]]\nprobe = \"p\"\n";
    EXPECT_THAT(warnings(often + "success = \">= 99%\"\n"), IsEmpty());
    EXPECT_THAT(warnings(often + "success = \">= 100%\"\n"), ElementsAre("18:11: success >= 100%: no number of samples can show that"));
    EXPECT_THAT(warnings(often + "during = \"f\"\nlatency = { p99 = \"<= 1s\" }\n"), IsEmpty());
    EXPECT_THAT(warnings(often + "during = \"f\"\nlatency = { \"p99.9\" = \"<= 1s\" }\n"),
                ElementsAre("19:11: latency <= 1s: 'f' holds 100 observations of 'p'; it takes 1000 to show that"));
    EXPECT_THAT(warnings(often + "recovers_within = \"16s\"\nafter = \"f.stop\"\n"),
                ElementsAre("18:19: recovers_within: the experiment ends before a recovery that late could hold"));
    EXPECT_THAT(warnings(often + "recovers_within = \"15s\"\nafter = \"f.stop\"\n"), IsEmpty());
}

TEST(Parse, WarnsOfRunsThatCanProveNothing) {
    EXPECT_THAT(warnings(""), ElementsAre("0:0: there is no [[fault]]: a run can only be inconclusive",
                                          "0:0: there is no [[expect]]: a run can only be inconclusive"));
}

TEST(Parse, LivesThroughEveryTruncationAndSingleByteOfNonsense) {
    const std::string text = right_file();
    for (std::size_t n = 0; n <= text.size(); ++n) parse(text.substr(0, n), "x");
    for (const char byte : {'\0', '"', '[', '=', '\n', '\xff', '9', '-', '.', '*'})
        for (std::size_t n = 0; n < text.size(); n += 7) {
            std::string broken = text;
            broken[n] = byte;
            parse(broken, "x");
        }
}

TEST(Parse, LivesThroughDeepNesting) {
    EXPECT_FALSE(parse("a = " + std::string(100'000, '['), "x").errors.empty());
    EXPECT_FALSE(parse("a." + std::string(10'000, 'b') + " = 1", "x").errors.empty());
}

TEST(ReadFile, SaysWhyItCannot) {
    EXPECT_THROW(read_file("/nonexistent.toml"), std::runtime_error);
    EXPECT_THROW(read_file("/"), std::runtime_error);
    EXPECT_THROW(read_file("/dev/zero"), std::runtime_error) << "bounded";
}

}  // namespace
}  // namespace blackstart
