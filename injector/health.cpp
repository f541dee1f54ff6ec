#include "injector/health.h"

#include "injector/answers.h"
#include "injector/kernel/error.h"
#include "injector/kinds.h"
#include "injector/packet_injection.h"

namespace blackstart {

void check(const HealthFault& fault) {
    using enum HealthFault::Result;
    const bool http = fault.protocol == HealthFault::Protocol::http, redis = fault.protocol == HealthFault::Protocol::redis;
    if (!http && !fault.path.empty()) throw Misuse("health: only http checks have a path");
    if (!http && !fault.agent.empty()) throw Misuse("health: only http checks have a User-Agent");
    if (!http && (fault.result == status || fault.result == pass))
        throw Misuse("health: only http checks have a status to show, or to pass with");
    if (!redis && fault.result == not_serving) throw Misuse("health: not-serving is for redis checks in this version");
}

template <> std::optional<Refusal> unsupported_kind(const HealthFault&) { return tcx_refusal(); }

template <> std::unique_ptr<Injection> prepare_kind(const HealthFault& fault, const Target& target, const Terms& terms) {
    check(fault);
    AnswerRule rule;
    rule.what = "health";
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
