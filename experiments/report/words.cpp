#include "experiments/report/words.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "injector/names.h"

namespace blackstart {
namespace {

template <class List> std::string listed(const List& list, const char* none) {
    return list.empty() ? none : fmt::format("{}", fmt::join(list, ", "));
}

std::string answer(const DnsFault::Told& told, std::chrono::seconds ttl) {
    switch (told.answer) {
        case DnsFault::Answer::empty:
            return "answered empty (NOERROR, no records)";
        case DnsFault::Answer::nxdomain:
            return "answered NXDOMAIN";
        case DnsFault::Answer::servfail:
            return "answered SERVFAIL";
        case DnsFault::Answer::refused:
            return "answered REFUSED";
        case DnsFault::Answer::formerr:
            return "answered FORMERR";
        case DnsFault::Answer::notimp:
            return "answered NOTIMP";
        case DnsFault::Answer::timeout:
            return "never answered";
        case DnsFault::Answer::truncate:
            return "told to ask again over TCP";
        case DnsFault::Answer::stale:
            return "given the answer of before, whatever the server says now";
        case DnsFault::Answer::addresses:
            break;
    }
    return fmt::format("answered {} with a TTL of {}s", fmt::join(told.addresses, ", "), ttl.count());
}

std::string answers(const DnsFault& fault) {
    std::vector<std::string> all;
    for (const auto& told : fault.answers) all.push_back(answer(told, fault.ttl));
    auto text = fmt::format("{}", fmt::join(all, ", then "));
    if (all.size() > 1) text = fmt::format("in turns of {}: {}", in_words(fault.turn), text);
    if (fault.delay.count() > 0) text = fmt::format("delayed by {}{}{}", in_words(fault.delay), all.empty() ? "" : ", then ", text);
    if (fault.negative_ttl) text += fmt::format("; caches may keep what has no records for {}s", fault.negative_ttl->count());
    return text;
}

std::string opcodes(const DnsFault& fault) {
    if (fault.opcodes.empty()) return "queries";
    std::vector<std::string> names;
    for (const auto opcode : fault.opcodes)
        names.push_back(opcode == 0 ? "queries" : opcode == 4 ? "NOTIFY" : opcode == 5 ? "UPDATE" : fmt::format("opcode {}", opcode));
    return listed(names, "");
}

// The first few of many.
std::string names(const DnsFault& fault) {
    constexpr std::size_t few = 5;
    if (fault.names.size() <= few) return listed(fault.names, "no name");
    const std::vector<std::string> first(fault.names.begin(), fault.names.begin() + few);
    return fmt::format("{} and {} more", fmt::join(first, ", "), fault.names.size() - few);
}

std::string words(const DnsFault& fault) {
    std::vector<std::string> types;
    for (const auto type : fault.types) types.push_back(type == 1 ? "A" : type == 28 ? "AAAA" : fmt::format("TYPE{}", type));
    return fmt::format("{} for {} of {}, to {}, port {}: {}", opcodes(fault), names(fault),
                       types.empty() ? "any type" : "type " + listed(types, ""), listed(fault.servers, "any server"), fault.port,
                       answers(fault));
}

const char* words(Match::Way way) {
    switch (way) {
        case Match::Way::egress:
            return "egress";
        case Match::Way::ingress:
            return "ingress";
        case Match::Way::both:
            break;
    }
    return "egress and ingress, each";
}

std::string words(const Match& match) {
    auto text = fmt::format("{} between {} and {}", match.protocol == "any" ? "packets" : match.protocol, listed(match.from, "here"),
                            listed(match.to, "anywhere"));
    if (!match.ports.empty()) text += fmt::format(", port {}", fmt::join(match.ports, ", "));
    return text + fmt::format(", {}: ", words(match.direction));
}

std::string words(const Choice& choice) {
    std::string text = choice.every != 0 ? fmt::format("one of {}", choice.every) : fmt::format("{:g}%", choice.share * 100);
    if (choice.burst != 0) text += fmt::format(" in bursts of {}", choice.burst);
    if (choice.burst != 0 && choice.burst_share < 1) text += fmt::format(" of which {:g}% are hit", choice.burst_share * 100);
    return text + (choice.per_segment ? ", by segment, " : " ");
}

std::string words(const LossFault& fault) { return words(fault.match) + words(fault.choice) + "lost"; }
std::string words(const CorruptFault& fault) { return words(fault.match) + words(fault.choice) + "damaged"; }
std::string words(const DuplicateFault& fault) { return words(fault.match) + words(fault.choice) + "sent twice"; }
std::string words(const ReorderFault& fault) { return words(fault.match) + words(fault.choice) + "held back by " + in_words(fault.delay); }
std::string words(const BandwidthFault& fault) {
    return words(fault.match) +
           fmt::format("at most {:g} Mbit/s, waiting up to {}", static_cast<double>(fault.rate) / 1e6, in_words(fault.queue));
}
std::string words(const ResetFault& fault) { return words(fault.match) + "TCP connections are reset"; }

std::string words(const PartitionFault& fault) {
    auto text = words(fault.match) + (fault.reject ? "rejected" : "dropped");
    if (fault.established == PartitionFault::Established::keep) text += ", but for TCP connections that are open";
    if (fault.established == PartitionFault::Established::cut) text += "; TCP connections that are open are ended";
    return text;
}

const char* words(Distribution distribution) {
    switch (distribution) {
        case Distribution::uniform:
            return "uniform";
        case Distribution::normal:
            return "normal";
        case Distribution::pareto:
            return "pareto";
        case Distribution::table:
            break;
    }
    return "table";
}

std::string words(const LatencyFault& fault) {
    auto text = words(fault.match) + "delayed by " + in_words(fault.delay);
    if (fault.jitter.count() > 0) text += " ± " + in_words(fault.jitter);
    if (fault.distribution == Distribution::table)
        text += fmt::format(" and what is drawn from {} delays", fault.table.size());
    else if (fault.distribution != Distribution::uniform)
        text += fmt::format(" ({})", words(fault.distribution));
    if (fault.correlation > 0) text += fmt::format(", {:g}% correlated", fault.correlation * 100);
    if (fault.skip_handshake) text += "; TCP handshakes are not";
    return text;
}

std::string words(const HealthFault& fault) {
    constexpr const char* protocols[] = {"http", "tcp", "redis", "http2", "grpc", "postgresql", "mysql", "dns", "exec", "agent-check"};
    const auto checks = fmt::format("{} checks of {} from {}, port {}", protocols[static_cast<int>(fault.protocol)],
                                    fault.path.empty() ? "any path" : fault.path, listed(fault.from, "anyone"), listed(fault.ports, "any"));
    switch (fault.result) {
        case HealthFault::Result::status:
            return fmt::format("{}: told {}", checks, fault.status);
        case HealthFault::Result::timeout:
            return checks + ": never answered";
        case HealthFault::Result::pass:
            return checks + ": shown as passing";
        case HealthFault::Result::not_serving:
            return checks + ": told an error";
        case HealthFault::Result::slow:
            return checks + ": answered " + in_words(fault.delay) + " later";
        case HealthFault::Result::reset:
            break;
    }
    return checks + ": reset";
}

std::string words(const HttpFault& fault) {
    auto text = fmt::format("{} requests of {}, port {}", fault.method.empty() ? "http" : fault.method,
                            fault.path.empty() ? "any path" : fault.path, fmt::join(fault.ports, ", "));
    if (!fault.host.empty()) text += ", host " + fault.host;
    return fmt::format("{}: told {}", text, fault.status);
}

std::string words(const ProcessFault& fault) {
    std::vector<std::string> by;
    if (!fault.pids.empty()) by.push_back(fmt::format("pid {}", fmt::join(fault.pids, ", ")));
    if (!fault.exe.empty()) by.push_back("executable " + fault.exe);
    if (!fault.cgroup.empty()) by.push_back("cgroup " + fault.cgroup);
    if (!fault.unit.empty()) by.push_back("unit " + fault.unit);
    const auto selected = fmt::format("processes by {}, at most {}", fmt::join(by, " and "), fault.at_most);
    if (fault.action == ProcessFault::Action::kill) return selected + ": killed once";
    return selected + (fault.action == ProcessFault::Action::pause ? ": paused" : ": killed, and again at each start");
}

std::string words(const SurgeFault& fault) {
    auto text = fmt::format("{} requests a second for {}", fault.rate, fault.url);
    if (!fault.to.empty()) text += fmt::format(", also within {}", fmt::join(fault.to, ", "));
    return text;
}

std::vector<std::string> limits(const DnsFault& fault) {
    const auto is = [&](auto answer) { return std::ranges::find(fault.answers, answer, &DnsFault::Told::answer) != fault.answers.end(); };
    std::vector<std::string> said{
        fault.answers.empty() ? "over TCP the segment that holds the query is delayed; one whose question is cut in two passes"
                              : "a query over TCP is reset (timeout: dropped; truncate: passed); one whose question is cut in two passes",
        "in DNS over TLS (853) and HTTPS (443) a name cannot be matched: cut those by port and address",
        "a client that asks its local cache sends no packet; the cache's own query is the one that is matched"};
    if (is(DnsFault::Answer::truncate)) said.emplace_back("truncate shows only at clients that ask over UDP");
    if (learns(fault))
        said.emplace_back(
            "stale: the first answer seen since the baseline began; answers over UDP of up to 960 octets, for 16384 "
            "questions, "
            "with the TTL that they had");
    if (fault.negative_ttl) said.emplace_back("with negative_ttl, caches may keep an answer after the fault has ended");
    return said;
}
void add_names(const Match& match, std::vector<std::string>& said) {
    if (std::ranges::any_of(match.to, is_host_name) || std::ranges::any_of(match.from, is_host_name))
        said.emplace_back(
            "a host name is resolved before the baseline begins, and followed in DNS answers over UDP from port 53; those over "
            "TCP, TLS and HTTPS are not seen");
}

std::vector<std::string> limits(const LatencyFault& fault) {
    std::vector<std::string> said{"the delay is per packet and direction: a TCP handshake and a request take it once each",
                                  "with segmentation offload a packet holds up to 64 KiB of a TCP stream, and takes the delay once"};
    add_names(fault.match, said);
    return said;
}
std::vector<std::string> limits(const HttpFault&) { return {"requests under TLS, and in HTTP/2, cannot be read and pass"}; }
std::vector<std::string> limits(const SurgeFault&) {
    return {"only addresses on the networks of the target's interfaces are loaded, and those within to"};
}
std::vector<std::string> limits(const ProcessFault& fault) {
    std::vector<std::string> said{"process 1, this session, sshd and the journal are never hit"};
    if (fault.action == ProcessFault::Action::kill)
        said.emplace_back("what is killed stays dead: whoever supervises it may start it again");
    if (fault.action == ProcessFault::Action::pause) said.emplace_back("processes that start meanwhile run");
    return said;
}

// For the kinds that hit a share of the packets.
template <class Kind>
requires requires(const Kind& kind) { kind.choice; }
std::vector<std::string> limits(const Kind& fault) {
    std::vector<std::string> said{fault.choice.per_segment
                                      ? "with segmentation offload a packet is drawn for as often as it has segments, and hit as a whole"
                                      : "with segmentation offload a packet holds up to 64 KiB of a TCP stream, and is hit as a whole: "
                                        "the share is one of bytes, in fewer and larger pieces; per = \"segment\" counts segments"};
    add_names(fault.match, said);
    return said;
}

std::vector<std::string> limits(const BandwidthFault& fault) {
    std::vector<std::string> said{"the rate holds for each direction apart; what waits too long is dropped, and counted"};
    add_names(fault.match, said);
    return said;
}

std::vector<std::string> limits(const PartitionFault& fault) {
    std::vector<std::string> said;
    if (fault.match.direction != Match::Way::both) said.emplace_back("one way only: what goes the other way arrives");
    if (fault.established == PartitionFault::Established::stall)
        said.emplace_back("TCP connections that are open stall, and go on if they outlast it");
    add_names(fault.match, said);
    return said;
}

std::vector<std::string> limits(const ResetFault& fault) {
    std::vector<std::string> said{
        "a connection that ends on another host, or that only a share or a cgroup picks, is reset at its next segment"};
    add_names(fault.match, said);
    return said;
}

std::vector<std::string> limits(const HealthFault& fault) {
    std::vector<std::string> said{"checks under TLS cannot be read and pass"};
    if (fault.protocol == HealthFault::Protocol::tcp && fault.from.empty())
        said.emplace_back("without `from`, every connection to the port is taken for a check");
    if (fault.result == HealthFault::Result::timeout || fault.result == HealthFault::Result::reset)
        said.emplace_back("the connection that a check came on is held or ended, with whatever else it carries");
    return said;
}

}  // namespace

std::string in_words(std::chrono::nanoseconds time) {
    const auto ns = static_cast<double>(time.count());
    if (time.count() >= 1'000'000'000) return fmt::format("{:g}s", ns / 1e9);
    if (time.count() >= 1'000'000) return fmt::format("{:g}ms", ns / 1e6);
    return time.count() == 0 ? "0s" : fmt::format("{:g}us", ns / 1e3);
}

std::string in_words(const Fault& fault) {
    return std::visit([](const auto& kind) { return words(kind); }, fault);
}

std::string in_words(const Terms& terms) {
    auto text = "for " + in_words(terms.duration);
    if (terms.probability < 1) text += fmt::format("; a share of {:g}%", terms.probability * 100);
    if (terms.cycle && terms.cycle->fail > 0)
        text += fmt::format("; of each {}, {} are hit and {} pass", terms.cycle->fail + terms.cycle->pass, terms.cycle->fail,
                            terms.cycle->pass);
    else if (terms.cycle)
        text += fmt::format("; {} on, {} off", in_words(terms.cycle->on), in_words(terms.cycle->off));
    return text;
}

std::string in_words(const MeterPlan& plan) {
    static constexpr const char* counted[] = {"packets", "connections", "dns-queries", "http-requests"};
    const bool packets = plan.count == MeterPlan::Count::packets, queries = plan.count == MeterPlan::Count::dns_queries;
    const char* what = counted[static_cast<std::size_t>(plan.count)];
    if (plan.ports.empty()) return queries ? fmt::format("{} to port 53", what) : what;
    return fmt::format("{} {} port {}", what, packets ? "from or to" : "to", fmt::join(plan.ports, ", "));
}

std::vector<std::string> limits_of(const Fault& fault) {
    return std::visit([](const auto& kind) { return limits(kind); }, fault);
}

}  // namespace blackstart
