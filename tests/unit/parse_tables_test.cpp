// [[fault]] and [[probe]] tables, and labs: what they become, and what is said, and where, of each way to get them wrong.
#include <chrono>

#include "tests/unit/parsed.h"

namespace blackstart {
namespace {

using namespace std::chrono_literals;
using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

TEST(ParseFaults, ReadsASurge) {
    const auto read =
        experiment("[[fault]]\nkind = \"surge\"\nurl = \"http://10.0.0.1/\"\nrate = 500\nto = \"10.0.0.0/8\"\nfor = \"1s\"\n").faults.at(0);
    const auto& surge = std::get<SurgeFault>(read.fault);
    EXPECT_EQ(surge.rate, 500U);
    EXPECT_THAT(surge.to, ElementsAre("10.0.0.0/8"));
    EXPECT_THAT(errors("[[fault]]\nkind = \"surge\"\nurl = \"ftp://a/\"\nrate = 0\nto = \"10.0.0.0/99\"\nfor = \"1s\"\n"),
                ElementsAre(::testing::HasSubstr("7:7: url:"), "8:8: rate: expected a whole number from 1 to 20000, not 0",
                            "9:6: to: '10.0.0.0/99' is no network: its prefix length is from 0 to 32"));
}

TEST(ParseFaults, TellsOfEachWrongValueOfAFault) {
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

TEST(ParseFaults, TellsWhatAFaultNeeds) {
    EXPECT_THAT(errors("[[fault]]\nkind = \"dns\"\n"),
                ElementsAre("5:1: fault 1 needs 'for': how long it lasts; no fault is without an end",
                            "5:1: nothing is matched: say names, types, servers or opcodes; names '*' means every name",
                            "5:1: nothing is told: say 'answer', 'delay', or 'turns' and 'turn'"));
    EXPECT_THAT(errors(fault + "names = \"a\"\nanswer = \"empty\"\nttl = 5\n"),
                ElementsAre("11:7: ttl: only addresses have one: the answer 'empty' holds none"));
    EXPECT_THAT(errors(fault + "names = \"a\"\nanswer = [\"10.0.0.1\", \"x\"]\n"),
                ElementsAre("10:23: answer: 'x' is no IPv4 or IPv6 address"));
}

TEST(ParseFaults, TakesADnsFaultWithoutNamesForEveryNameIfSomethingElseIsMatched) {
    for (const std::string match : {"types = \"AAAA\"\n", "servers = \"10.0.0.53\"\n", "opcodes = \"update\"\n"}) {
        const auto read = experiment(fault + match + "answer = \"empty\"\n");
        EXPECT_THAT(std::get<DnsFault>(read.faults.at(0).fault).names, ElementsAre("*"));
    }
}

TEST(ParseProbes, TakesHeadersAndResolveAsTomlAndCurlWriteThem) {
    const std::string http = "[[probe]]\nname = \"p\"\nkind = \"http\"\nurl = \"http://web.test:8080/x\"\n";  // lines 5 to 8
    const auto read = experiment(http + "headers = { Host = \"a.test\", X-A = \"b\" }\nresolve = \"web.test:8080:[fd00::1]\"\n");
    EXPECT_THAT(std::get<HttpProbe>(read.probes.at(0).kind).headers, ElementsAre("Host: a.test", "X-A: b"));
    EXPECT_EQ(std::get<HttpProbe>(read.probes.at(0).kind).resolve, "fd00::1");
    EXPECT_THAT(errors(http + "headers = { Host = 5 }\n"), ElementsAre("9:20: headers: Host: expected a text, not 5"));
    EXPECT_THAT(errors(http + "resolve = \"web.test:80:10.0.0.1\"\n"),
                ElementsAre("9:11: resolve: expected an address, or 'web.test:8080:ADDRESS', not 'web.test:80:10.0.0.1'"));
}

TEST(ParseFaults, TellsOfTurnsThatCannotBe) {
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

TEST(ParseFaults, TellsOfHalvesOfACycle) {
    const std::string right = fault + "names = \"a\"\nanswer = \"empty\"\n";
    EXPECT_THAT(errors(right + "cycle = { fail = 3 }\n"), ElementsAre("11:9: cycle: 'fail' and 'pass' go together"));
    EXPECT_THAT(errors(right + "cycle = { on = \"3s\" }\n"), ElementsAre("11:9: cycle: 'on' and 'off' go together"));
    EXPECT_THAT(errors(right + "cycle = {}\n"), ElementsAre("11:9: cycle: expected { fail = N, pass = N } or { on = TIME, off = TIME }"));
    EXPECT_THAT(errors(right + "cycle = { fail = 0, pass = 1 }\n"),
                ElementsAre("11:18: cycle.fail: expected a whole number from 1 to 1000000, not 0"));
    EXPECT_THAT(errors(right + "cycle = 5\n"), ElementsAre("11:9: cycle: expected a table, not 5"));
}

TEST(ParseFaults, TellsOfALatencyThatMatchesNothingOrOutlastsItself) {
    const std::string start = "[[fault]]\nkind = \"latency\"\nfor = \"1s\"\n";
    EXPECT_THAT(errors(start + "delay = \"1s\"\n"),
                ElementsAre("5:1: nothing is matched: say to, from, port or protocol; to 'any' means all traffic",
                            "8:9: delay: '1s' is as long as the fault itself, or longer"));
    EXPECT_THAT(errors(start + "delay = \"10ms\"\njitter = \"2s\"\nprotocol = \"tcp\"\n"),
                ElementsAre("9:10: jitter: '2s' is as long as the fault itself, or longer"));
    EXPECT_THAT(errors("[[fault]]\nkind = \"bandwidth\"\nfor = \"1s\"\nto = [\"any\"]\nrate = \"10mbit\"\nqueue = \"10s\"\n"),
                ElementsAre("10:9: queue: '10s' is as long as the fault itself, or longer"));
    EXPECT_THAT(errors(start + "delay = \"10ms\"\nprotocol = \"icmp\"\nport = 80\n"), ElementsAre("10:8: port: ICMP has no ports"));
    EXPECT_THAT(errors(start + "delay = \"10ms\"\nto = [\"any\", \"10.0.0.0/33\"]\ndirection = \"egres\"\n"),
                ElementsAre("9:14: to: '10.0.0.0/33' is no network: its prefix length is from 0 to 32",
                            "10:13: direction: unknown direction 'egres'; did you mean 'egress'?"));
}

TEST(ParseFaults, TakesNamesInAnyScriptAsTheyAreOnTheWire) {
    const auto read = experiment(
        "[[fault]]\nkind = \"http\"\nname = \"one\"\nfor = \"1s\"\nport = 80\nhost = \"bücher.test\"\n"
        "[[fault]]\nkind = \"health\"\nname = \"two\"\nfor = \"1s\"\nport = 443\nsni = \"*.bücher.test\"\nresult = \"reset\"\n"
        "[[fault]]\nkind = \"health\"\nname = \"three\"\nfor = \"1s\"\nport = 53\nprotocol = \"dns\"\nquery = \"bücher.test\"\nresult = "
        "\"timeout\"\n");
    EXPECT_EQ(std::get<HttpFault>(read.faults.at(0).fault).host, "xn--bcher-kva.test");
    EXPECT_EQ(std::get<HealthFault>(read.faults.at(1).fault).sni, "*.xn--bcher-kva.test");
    EXPECT_EQ(std::get<HealthFault>(read.faults.at(2).fault).query, "xn--bcher-kva.test");
}

TEST(ParseFaults, TellsOfHealthResultsAndPathsThatCannotBe) {
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

TEST(ParseFaults, TellsOfFaultsOutsideTheExperiment) {
    const std::string right = "names = \"a\"\nanswer = \"empty\"\n";
    EXPECT_THAT(errors(fault + right + "at = \"25s\"\n"),
                ElementsAre("8:7: for: the fault ends 25s + 10s after t0, beyond the experiment's duration of 30s"));
    EXPECT_THAT(errors(fault + right + "at = \"30s\"\n"),
                ElementsAre("11:6: at: the fault starts at 30s, when the experiment of 30s is over"));
    EXPECT_THAT(errors(fault + right + "at = \"20s\"\n"), IsEmpty());
}

TEST(ParseFaults, TellsOfMoreHostNamesThanCanBeFollowed) {
    const auto latency = [](int names) {
        std::string to;
        for (int i = 0; i < names; i++) to += "\"h" + std::to_string(i) + ".test\", \"10.0.0." + std::to_string(i) + "\", ";
        return errors("[[fault]]\nkind = \"latency\"\nfor = \"1s\"\ndelay = \"9ms\"\nto = [" + to + "\"any\"]\n");
    };
    EXPECT_THAT(latency(64), IsEmpty());
    EXPECT_THAT(latency(65), ElementsAre("9:6: to: at most 64 host names, not 65: each is looked up and followed; use CIDRs"));
}

TEST(ParseFaults, TellsOfTwoAnswersToOneName) {
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
    const std::string one = "servers = \"10.0.0.1\"\n", net = "servers = \"10.0.0.0/8\"\n", other = "servers = \"fd00::/8\"\n";
    EXPECT_THAT(errors(dns("a", "db.test", empty + net) + dns("b", "db.test", refused + one)),
                ElementsAre("16:9: names: 'db.test' has another answer from fault 'a' at the same time"));
    EXPECT_THAT(errors(dns("a", "db.test", empty + other) + dns("b", "db.test", refused + one)), IsEmpty());
    EXPECT_THAT(errors(dns("a", "*.test", empty) + dns("b", "test", refused)), IsEmpty()) << "the suffix itself is not under it";
    EXPECT_THAT(errors(dns("a", "db.test", empty) + dns("b", "db.test", refused + "at = \"10s\"\n")), IsEmpty());
    EXPECT_THAT(errors(dns("a", "db.test", empty + "types = \"A\"\n") + dns("b", "db.test", refused + "types = \"AAAA\"\n")), IsEmpty());
    EXPECT_THAT(errors(dns("a", "db.test", empty) + dns("b", "db.test", empty)), IsEmpty());
}

TEST(ParseFaults, TellsOfTwoAnswersThroughTwoTargetsThatAreOnePlace) {
    const auto two = [](const std::string& one, const std::string& other) {
        const std::string dns = "[[fault]]\nkind = \"dns\"\nfor = \"10s\"\nnames = \"db.test\"\n";
        return errors("[target.x]\n" + one + "[target.y]\n" + other + dns + "name = \"a\"\ntarget = \"x\"\nanswer = \"empty\"\n" + dns +
                      "name = \"b\"\ntarget = [\"y\"]\nanswer = \"refused\"\n");
    };
    const std::string netns = "netns = \"n\"\n";
    EXPECT_THAT(two("", ""), SizeIs(1)) << "the host itself";
    EXPECT_THAT(two(netns, netns + "interface = \"eth0\"\n"), SizeIs(1));
    EXPECT_THAT(two("cgroup = \"system.slice\"\n", "cgroup = \"system.slice/web.service\"\n"), SizeIs(1));
    EXPECT_THAT(two(netns, ""), IsEmpty());
    EXPECT_THAT(two("interface = \"eth1\"\n", "interface = \"eth0\"\n"), IsEmpty());
    EXPECT_THAT(two("cgroup = \"web.service\"\n", "cgroup = \"db.service\"\n"), IsEmpty());
}

TEST(ParseProbes, ReadsWhatAUnitProbeAndAGrpcProbeExpect) {
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

TEST(ParseProbes, TellsOfProbesThatCannotBe) {
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

TEST(ParseLabs, TellsOfLabsThatCannotBe) {
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

TEST(ParseLabs, WarnsOfNamespacesThatAreNearlyLabHosts) {
    EXPECT_THAT(warnings("[lab]\nhosts = { web1 = [\"10.0.0.1\"] }\n[target.x]\nnetns = \"wbe1\"\n" + fault +
                         "names = \"a\"\nanswer = \"empty\"\n" + probe + "[[expect]]\nprobe = \"p\"\nmax_transitions = 1\n"),
                Contains("8:9: netns: no host of the lab is called 'wbe1'; did you mean 'web1'?"));
}

}  // namespace
}  // namespace blackstart
