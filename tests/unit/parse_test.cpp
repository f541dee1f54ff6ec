// The experiment file: what a right one becomes, and what is said, and where, of each way to get it wrong.
#include "experiments/parse.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

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

std::vector<std::string> said(const std::vector<Diagnostic>& diagnostics) {
    std::vector<std::string> lines;
    for (const auto& d : diagnostics) lines.push_back(std::to_string(d.line) + ":" + std::to_string(d.column) + ": " + d.text);
    return lines;
}

// Four lines that are right, so that what follows begins at line 5.
std::string after_head(const std::string& rest) { return "[experiment]\nname = \"x\"\nduration = \"30s\"\n\n" + rest; }
std::vector<std::string> errors(const std::string& rest) { return said(parse(after_head(rest), "x.toml").errors); }
std::vector<std::string> warnings(const std::string& rest) {
    const auto parsed = parse(after_head(rest), "x.toml");
    EXPECT_THAT(said(parsed.errors), IsEmpty());
    return said(parsed.warnings);
}

Experiment experiment(const std::string& rest) {
    const auto parsed = parse(after_head(rest), "x.toml");
    EXPECT_THAT(said(parsed.errors), IsEmpty());
    return parsed.experiment;
}

const std::string fault = "[[fault]]\nname = \"f\"\nkind = \"dns\"\nfor = \"10s\"\n";  // lines 5 to 8; needs names and answer
const std::string probe = "[[probe]]\nname = \"p\"\nkind = \"tcp\"\naddress = \"10.0.0.1:80\"\n";

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

TEST(Parse, NeedsAnExperiment) {
    EXPECT_THAT(said(parse("", "x").errors), ElementsAre("1:1: needs [experiment] with 'name' and 'duration'"));
    EXPECT_THAT(
        said(parse("[experiment]\nname = \"A b\"\nduraton = \"1s\"\nbaseline = \"0s\"\nseed = -1\nrepeat = 0\n", "x").errors),
        ElementsAre("1:1: [experiment] needs 'duration': from t0 to the end of observation",
                    "2:8: name: 'A b' is no experiment's name: small letters, digits and '-' only",
                    "3:1: unknown key 'duraton' in [experiment]; did you mean 'duration'?",
                    "4:12: baseline: a duration of 0 does nothing: expected a duration such as \"250ms\", \"10s\", \"2m\" or \"1h\"",
                    "5:8: seed: expected a whole number from 1 to 9007199254740991, not -1",
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

TEST(Parse, ReadsASurge) {
    const auto read =
        experiment("[[fault]]\nkind = \"surge\"\nurl = \"http://10.0.0.1/\"\nrate = 500\nto = \"10.0.0.0/8\"\nfor = \"1s\"\n").faults.at(0);
    const auto& surge = std::get<SurgeFault>(read.fault);
    EXPECT_EQ(surge.rate, 500U);
    EXPECT_THAT(surge.to, ElementsAre("10.0.0.0/8"));
    EXPECT_THAT(errors("[[fault]]\nkind = \"surge\"\nurl = \"ftp://a/\"\nrate = 0\nto = \"10.0.0.0/99\"\nfor = \"1s\"\n"),
                ElementsAre(::testing::HasSubstr("7:7: url:"), "8:8: rate: expected a whole number from 1 to 20000, not 0",
                            "9:6: to: '10.0.0.0/99' is no network: its prefix length is from 0 to 32"));
}

TEST(Parse, ReadsWhatAUnitProbeAndAGrpcProbeExpect) {
    const auto read = experiment(
        "[[probe]]\nname = \"u\"\nkind = \"unit\"\nunit = \"nginx\"\nexpect = { state = \"failed\" }\n"
        "[[probe]]\nname = \"g\"\nkind = \"grpc-health\"\naddress = \"10.0.0.1:50051\"\n"
        "expect = { status = \"not-serving\" }\n");
    EXPECT_EQ(std::get<UnitProbe>(read.probes.at(0).kind).state, "failed");
    EXPECT_EQ(std::get<GrpcHealthProbe>(read.probes.at(1).kind).status, "not-serving");
    EXPECT_THAT(errors("[[probe]]\nname = \"u\"\nkind = \"unit\"\nunit = \"nginx\"\nfrom = \"web\"\n"),
                ElementsAre("9:8: from: units are the host's own: a unit probe runs nowhere else"));
    EXPECT_THAT(
        errors("[[probe]]\nname = \"g\"\nkind = \"grpc-health\"\naddress = \"10.0.0.1\"\nexpect = { status = \"servng\" }\n"),
        ElementsAre(::testing::HasSubstr("8:11: address:"), "9:21: expect.status: unknown status 'servng'; did you mean 'serving'?"));
}

TEST(Parse, TellsOfEachWrongValueOfAFault) {
    EXPECT_THAT(
        errors("[[fault]]\nname = \"f\"\nkind = \"dns\"\nnames = [\"a..b\", \"ok.test\", 5]\ntypes = \"AAA\"\nservers = "
               "\"10.0.0.0/99\"\nport = 70000\nanswer = \"emtpy\"\nat = \"-1s\"\nfor = 10\nttl = 5\nopcodes = [\"updaet\", 16]\n"
               "probability = \"130%\"\ncycle = { fail = 3, pass = 2, on = \"1s\", off = \"1s\" }\nnmaes = 1\n"),
        ElementsAre("8:10: names: DNS name 'a..b': has an empty label", "8:29: names: expected a text, not 5",
                    "9:9: types: unknown record type 'AAA'; did you mean 'AAAA'?",
                    "10:11: servers: '10.0.0.0/99' is no network: its prefix length is from 0 to 32",
                    "11:8: port: expected a whole number from 1 to 65535, not 70000",
                    "12:10: answer: unknown answer 'emtpy'; did you mean 'empty'?", "13:6: at: a duration cannot be negative: '-1s'",
                    "14:7: for: expected a duration such as \"250ms\", \"10s\", \"2m\" or \"1h\", not 10",
                    "16:12: opcodes: unknown opcode 'updaet'; did you mean 'update'?",
                    "16:22: opcodes: expected a whole number from 0 to 15, not 16", "17:15: probability: a share is at most 100%, not 130%",
                    "18:9: cycle: expected { fail = N, pass = N } or { on = TIME, off = TIME }, not both",
                    "19:1: unknown key 'nmaes' in fault 'f'; did you mean 'names'?"));
}

TEST(Parse, TellsWhatAFaultNeeds) {
    EXPECT_THAT(errors("[[fault]]\nkind = \"dns\"\n"),
                ElementsAre("5:1: fault 1 needs 'names': name, or *.suffix for all below it",
                            "5:1: fault 1 needs 'for': how long it lasts; no fault is without an end",
                            "5:1: nothing is told: say 'answer', 'delay', or 'turns' and 'turn'"));
    EXPECT_THAT(errors(fault + "names = \"a\"\nanswer = \"empty\"\nttl = 5\n"),
                ElementsAre("11:7: ttl: only addresses have one: the answer 'empty' holds none"));
    EXPECT_THAT(errors(fault + "names = \"a\"\nanswer = [\"10.0.0.1\", \"x\"]\n"),
                ElementsAre("10:23: answer: 'x' is no IPv4 or IPv6 address"));
}

TEST(Parse, TellsOfTurnsThatCannotBe) {
    const std::string names = fault + "names = \"a\"\n", turns = "turns = [[\"10.0.0.1\"], \"empty\"]\n", turn = "turn = \"5s\"\n";
    EXPECT_THAT(errors(names + turns + turn + "ttl = 5\nnegative_ttl = 5\n"), IsEmpty());
    EXPECT_THAT(errors(names + turns), ElementsAre("5:1: turns: 'turn' says how long each lasts"));
    EXPECT_THAT(errors(names + turn + "answer = \"empty\"\n"), ElementsAre("10:8: turn: there are no 'turns' to take"));
    EXPECT_THAT(errors(names + turns + turn + "answer = \"empty\"\n"), ElementsAre("10:9: turns: 'answer' is given as well: one of them"));
    EXPECT_THAT(errors(names + turn + "turns = [\"empty\"]\n"), ElementsAre("11:9: turns: 2 to 16 answers take turns, not 1"));
    EXPECT_THAT(errors(names + turn + "turns = [\"empty\", \"emtpy\"]\n"),
                ElementsAre("11:19: turns: unknown answer 'emtpy'; did you mean 'empty'?"));
    EXPECT_THAT(errors(names + turn + "turns = [\"timeout\", \"servfail\"]\nttl = 5\nnegative_ttl = 5\n"),
                ElementsAre("12:7: ttl: only addresses have one: no turn holds one",
                            "13:16: negative_ttl: only answers without records have one, empty and nxdomain: no turn holds one"));
}

TEST(Parse, TellsOfHalvesOfACycle) {
    const std::string right = fault + "names = \"a\"\nanswer = \"empty\"\n";
    EXPECT_THAT(errors(right + "cycle = { fail = 3 }\n"), ElementsAre("11:9: cycle: 'fail' and 'pass' go together"));
    EXPECT_THAT(errors(right + "cycle = { on = \"3s\" }\n"), ElementsAre("11:9: cycle: 'on' and 'off' go together"));
    EXPECT_THAT(errors(right + "cycle = {}\n"), ElementsAre("11:9: cycle: expected { fail = N, pass = N } or { on = TIME, off = TIME }"));
    EXPECT_THAT(errors(right + "cycle = { fail = 0, pass = 1 }\n"),
                ElementsAre("11:18: cycle.fail: expected a whole number from 1 to 1000000, not 0"));
    EXPECT_THAT(errors(right + "cycle = 5\n"), ElementsAre("11:9: cycle: expected a table, not 5"));
}

TEST(Parse, TellsOfALatencyThatMatchesNothingOrOutlastsItself) {
    const std::string start = "[[fault]]\nkind = \"latency\"\nfor = \"1s\"\n";
    EXPECT_THAT(errors(start + "delay = \"1s\"\n"),
                ElementsAre("5:1: nothing is matched: say to, from, port or protocol; to 'any' means all traffic",
                            "8:9: delay: '1s' is as long as the fault itself, or longer"));
    EXPECT_THAT(errors(start + "delay = \"10ms\"\nprotocol = \"icmp\"\nport = 80\n"), ElementsAre("10:8: port: ICMP has no ports"));
    EXPECT_THAT(errors(start + "delay = \"10ms\"\nto = [\"any\", \"10.0.0.0/33\"]\ndirection = \"egres\"\n"),
                ElementsAre("9:14: to: '10.0.0.0/33' is no network: its prefix length is from 0 to 32",
                            "10:13: direction: unknown direction 'egres'; did you mean 'egress'?"));
}

TEST(Parse, TellsOfHealthResultsAndPathsThatCannotBe) {
    const std::string start = "[[fault]]\nkind = \"health\"\nfor = \"1s\"\nport = 80\n";
    EXPECT_THAT(errors(start + "result = 204\npath = \"healthz\"\n"),
                ElementsAre("9:10: result: a status is 200 to 599, without 204 and 304 (they have no body), not 204",
                            "10:8: path: a path begins with '/': did you mean '/healthz'?"));
    EXPECT_THAT(errors(start + "result = \"slwo\"\npath = \"/a?b\"\nprotocol = \"grcp\"\n"),
                ElementsAre("9:10: result: unknown result 'slwo'; did you mean 'slow'?",
                            "10:8: path: the path ends before the query: leave out '?b'",
                            "11:12: protocol: unknown protocol 'grcp'; did you mean 'grpc'?"));
    EXPECT_THAT(errors(start + "result = \"timeot\"\npath = \"/*/x\"\n"),
                ElementsAre("9:10: result: unknown result 'timeot'; did you mean 'timeout'?",
                            "10:8: path: '*' stands for the rest of a path: only at its end"));
}

TEST(Parse, TellsOfFaultsOutsideTheExperiment) {
    const std::string right = "names = \"a\"\nanswer = \"empty\"\n";
    EXPECT_THAT(errors(fault + right + "at = \"25s\"\n"),
                ElementsAre("8:7: for: the fault ends 25s + 10s after t0, beyond the experiment's duration of 30s"));
    EXPECT_THAT(errors(fault + right + "at = \"30s\"\n"),
                ElementsAre("11:6: at: the fault starts at 30s, when the experiment of 30s is over"));
    EXPECT_THAT(errors(fault + right + "at = \"20s\"\n"), IsEmpty());
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

TEST(Parse, TellsOfTwoAnswersToOneName) {
    const auto dns = [](const std::string& name, const std::string& names, const std::string& more) {
        return "[[fault]]\nname = \"" + name + "\"\nkind = \"dns\"\nfor = \"10s\"\nnames = \"" + names + "\"\n" + more;
    };
    const std::string empty = "answer = \"empty\"\n", refused = "answer = \"refused\"\n";
    EXPECT_THAT(errors(dns("a", "db.test", empty) + dns("b", "DB.test.", refused)),
                ElementsAre("15:9: names: 'DB.test.' has another answer from fault 'a' at the same time"));
    EXPECT_THAT(errors(dns("a", "*.test", empty) + dns("b", "x.svc.test", refused)),
                ElementsAre("15:9: names: 'x.svc.test' has another answer from fault 'a' at the same time"));
    EXPECT_THAT(errors(dns("a", "*.svc.test", empty) + dns("b", "*.test", refused)),
                ElementsAre("15:9: names: '*.test' has another answer from fault 'a' at the same time"));
    EXPECT_THAT(errors(dns("a", "*.test", empty) + dns("b", "test", refused)), IsEmpty()) << "the suffix itself is not under it";
    EXPECT_THAT(errors(dns("a", "db.test", empty) + dns("b", "db.test", refused + "at = \"10s\"\n")), IsEmpty());
    EXPECT_THAT(errors(dns("a", "db.test", empty + "types = \"A\"\n") + dns("b", "db.test", refused + "types = \"AAAA\"\n")), IsEmpty());
    EXPECT_THAT(errors(dns("a", "db.test", empty) + dns("b", "db.test", empty)), IsEmpty());
    EXPECT_THAT(errors("[target.x]\n" + dns("a", "db.test", empty + "target = \"x\"\n") + dns("b", "db.test", refused)), IsEmpty());
}

TEST(Parse, TellsOfProbesThatCannotBe) {
    EXPECT_THAT(errors(R"([[probe]]
name = "p"
kind = "http"
url = "web.test"
method = "get"
headers = ["Host"]
value = { json = "x", regex = "(" }
expect = { statuss = 200, body = 5 }
every = "1us"
)"),
                ElementsAre("8:7: url: 'web.test' is no URL: expected http://HOST/… or https://HOST/…",
                            "9:10: method: 'get' is no method: capital letters, as in GET",
                            "10:12: headers: expected a header such as \"Host: web.test\", not 'Host'",
                            "11:9: value: expected { json = \"/pointer\" } or { regex = \"…\" }, not both",
                            "11:18: value.json: a JSON pointer begins with '/': did you mean '/x'?",
                            "11:31: value.regex: '(' is no ECMAScript regex: Mismatched '(' and ')' in regular expression",
                            "12:12: expect: unknown key 'statuss' in 'expect'; did you mean 'status'?",
                            "12:34: expect.body: expected a text, not 5", "13:9: every: a probe ticks every 1ms at most, not every 1us"));
    EXPECT_THAT(errors("[[probe]]\nname = \"p\"\nkind = \"exec\"\nrun = \"echo hi\"\n"),
                ElementsAre("8:7: run: expected an array such as [\"dig\", \"db.test\"], as no shell is used, not 'echo hi'"));
    EXPECT_THAT(errors("[[probe]]\nname = \"p\"\nkind = \"dns\"\nserver = \"ns\"\nquery = \"*.x\"\nvalue = { regex = \".\" }\n"),
                ElementsAre("8:10: server: 'ns' is no IPv4 or IPv6 address",
                            "9:9: query: '*.x' is no DNS name: letters, digits, '-', '_' and '.' only",
                            "10:9: value: only TXT records hold one; the value of another type is the set of its answers"));
    EXPECT_THAT(errors("[[probe]]\nkind = \"tcp\"\n"), ElementsAre("5:1: probe 1 needs 'address': address:port or [v6]:port",
                                                                   "5:1: probe 1 needs 'name': for expectations to refer to"));
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
latency = { p99 = "<= 1", x = 4, p100 = "<= 1s" }
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

TEST(Parse, TellsOfLabsThatCannotBe) {
    EXPECT_THAT(
        errors(R"([lab]
hosts = { a = ["10.0.0.1", "fd00::1"], b = ["10.0.0.1", "10.0.0.2/24", "x", "fd00:0::1"], "c d" = "10.0.0.3" }
resolver = "10.0.0.9"
[[lab.service]]
name = "s"
host = "cc"
run = "echo hi"
ready = { tcp = "1", http = "http://x" }
[[lab.service]]
name = "s"
host = "a"
run = []
ready = {}
[lab.srevice]
)"),
        ElementsAre("6:45: lab.hosts.b: '10.0.0.1' is already an address of 'a'",
                    "6:57: lab.hosts.b: expected one address, not a network: '10.0.0.2/24'; did you mean '10.0.0.2'?",
                    "6:72: lab.hosts.b: 'x' is no IPv4 or IPv6 address", "6:77: lab.hosts.b: 'fd00:0::1' is already an address of 'a'",
                    "6:91: lab.hosts: 'c d' is no host name: letters, digits, '-', '_' and '.', the first a letter or digit",
                    "7:12: lab.resolver: no host of the lab has the address '10.0.0.9'",
                    "10:8: lab.service.host: unknown lab host 'cc'; expected a, b or c d",
                    "11:7: lab.service.run: expected an array such as [\"dig\", \"db.test\"], as no shell is used, not 'echo hi'",
                    "12:9: lab.service.ready: expected tcp, http or dns, one of them",
                    "12:17: lab.service.ready.tcp: '1' is no IPv4 or IPv6 address", "14:8: lab.service.name: there is another service 's'",
                    "16:7: lab.service.run: an empty array says nothing: leave the key out, or name one",
                    "17:9: lab.service.ready: expected tcp, http or dns",
                    "18:6: lab: unknown key 'srevice' in [lab]; did you mean 'service'?"));
}

TEST(Parse, WarnsOfNamespacesThatAreNearlyLabHosts) {
    EXPECT_THAT(warnings("[lab]\nhosts = { web1 = [\"10.0.0.1\"] }\n[target.x]\nnetns = \"wbe1\"\n" + fault +
                         "names = \"a\"\nanswer = \"empty\"\n" + probe + "[[expect]]\nprobe = \"p\"\nmax_transitions = 1\n"),
                Contains("8:9: netns: no host of the lab is called 'wbe1'; did you mean 'web1'?"));
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
