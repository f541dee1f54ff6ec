#include "injector/health.h"

#include <algorithm>

#include "injector/answers.h"
#include "injector/dns.h"
#include "injector/exec_checks.h"
#include "injector/helper_injection.h"
#include "injector/hpack_config.h"
#include "injector/kernel/error.h"
#include "injector/kinds.h"
#include "injector/packet_injection.h"

namespace blackstart {

namespace {

using Result = HealthFault::Result;
using Protocol = HealthFault::Protocol;

// What goes together: what a check of this protocol has, and what it can be told.
struct Speaks {
    Protocol protocol;
    const char* name;
    bool has_path;
    std::vector<Result> results;
};

const std::vector<Speaks>& speaks() {
    using enum HealthFault::Result;
    static const std::vector<Speaks> all = {
        {Protocol::http, "http", true, {status, timeout, reset, pass, slow}},
        {Protocol::http2, "http2", true, {status, timeout, reset, pass, slow}},
        {Protocol::grpc, "grpc", true, {not_serving, timeout, reset, pass, slow}},
        {Protocol::tcp, "tcp", false, {timeout, reset, slow}},
        {Protocol::redis, "redis", false, {not_serving, timeout, reset, pass, slow}},
        {Protocol::postgresql, "postgresql", false, {not_serving, timeout, reset, pass, slow}},
        {Protocol::mysql, "mysql", false, {not_serving, timeout, reset, pass, slow}},
        {Protocol::agent_check, "agent-check", false, {not_serving, timeout, reset, pass, slow}},
        {Protocol::dns, "dns", false, {not_serving, timeout}},
        {Protocol::exec, "exec", false, {not_serving}},
    };
    return all;
}

const char* word(Result result) {
    constexpr const char* words[] = {"a status", "timeout", "reset", "pass", "not-serving", "slow"};
    return words[static_cast<int>(result)];
}

// "timeout, reset or slow"
std::string any_of(const std::vector<Result>& results) {
    std::string text = word(results.front());
    for (std::size_t i = 1; i < results.size(); i++) text += std::string(i + 1 == results.size() ? " or " : ", ") + word(results[i]);
    return text;
}

void check_protocol(const HealthFault& fault) {
    const auto& how = *std::ranges::find(speaks(), fault.protocol, &Speaks::protocol);
    if (!how.has_path && !fault.path.empty()) throw Misuse("health: only http, http2 and grpc checks have a path");
    if (!how.has_path && !fault.agent.empty()) throw Misuse("health: only http, http2 and grpc checks have a User-Agent");
    if (std::ranges::find(how.results, fault.result) == how.results.end())
        throw Misuse(std::string("health: with protocol ") + how.name + " the result can be " + any_of(how.results) + ", not " +
                     word(fault.result));
    if (fault.protocol == Protocol::http2 && fault.result == Result::status && !status_octet(fault.status))
        throw Misuse("health: http2 checks can be shown 200, 206, 400, 404 or 500, not " + std::to_string(fault.status) +
                     ": the others have no code of one octet");
}

void check_exec(const HealthFault& fault) {
    const bool exec = fault.protocol == Protocol::exec;
    if (exec != !fault.exe.empty()) throw Misuse("health: exe goes with protocol exec, and protocol exec with exe");
    if (exec && !fault.exe.starts_with('/')) throw Misuse("health: exe is a whole path, as /usr/local/bin/check");
    if (exec && !fault.ports.empty()) throw Misuse("health: an exec check has no port");
    if (exec && !fault.from.empty()) throw Misuse("health: an exec check has no address: the target's netns or cgroup says whose it is");
    if (!exec && fault.ports.empty()) throw Misuse("health: the port of the checked service is required, 1 to 65535");
}

void check_sni(const HealthFault& fault) {
    if (fault.sni.empty()) return;
    if (fault.protocol != Protocol::http || !fault.path.empty() || !fault.agent.empty())
        throw Misuse("health: under TLS nothing but the server name can be read: sni goes with no protocol, path or agent");
    if (fault.result == Result::status || fault.result == Result::pass)
        throw Misuse(std::string("health: under TLS no answer can be changed: the result can be timeout, reset or slow, not ") +
                     word(fault.result));
}

std::unique_ptr<Injection> lie_in_dns(const HealthFault& fault, const Target& target, const Terms& terms) {
    DnsFault dns;
    dns.names = {fault.query};
    dns.port = fault.ports.front();
    dns.answers = {{fault.result == Result::timeout ? DnsFault::Answer::timeout : DnsFault::Answer::servfail, {}}};
    return prepare_kind(dns, target, terms);
}

}  // namespace

void check(const HealthFault& fault) {
    check_exec(fault);
    check_protocol(fault);
    check_sni(fault);
    if ((fault.result == Result::slow) != (fault.delay.count() > 0))
        throw Misuse("health: delay goes with result slow, and slow with a delay");
    if (fault.protocol == Protocol::dns && fault.ports.size() != 1) throw Misuse("health: a dns check has one port");
    if (fault.protocol == Protocol::dns && !fault.from.empty())
        throw Misuse("health: a dns check is told by the name that it asks for (query), not by its source");
}

template <> std::optional<Refusal> unsupported_kind(const HealthFault& fault) {
    if (fault.protocol == Protocol::exec) return exec_refusal();
    return fault.result == Result::slow ? helper_refusal() : tcx_refusal();
}

template <> std::unique_ptr<Injection> prepare_kind(const HealthFault& fault, const Target& target, const Terms& terms) {
    check(fault);
    if (fault.protocol == Protocol::exec) return fail_exec(fault, target, terms);
    if (fault.protocol == Protocol::dns) return lie_in_dns(fault, target, terms);
    AnswerRule rule;
    rule.what = "health";
    rule.sni = fault.sni;
    rule.delay = fault.delay;
    rule.ports = fault.ports;
    rule.path = fault.path;
    rule.agent = fault.agent;
    rule.from = fault.from;
    rule.protocol = fault.protocol;
    rule.result = fault.result;
    rule.status = fault.status;
    return change_answers(rule, target, terms);
}

}  // namespace blackstart
