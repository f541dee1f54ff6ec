#include "injector/http.h"

#include "injector/answers.h"
#include "injector/kinds.h"
#include "injector/packet_injection.h"

namespace blackstart {

template <> std::optional<Refusal> unsupported_kind(const HttpFault&) { return tcx_refusal(); }

template <> std::unique_ptr<Injection> prepare_kind(const HttpFault& fault, const Target& target, const Terms& terms) {
    AnswerRule rule;
    rule.what = "http";
    rule.ports = fault.ports;
    rule.path = fault.path;
    rule.method = fault.method;
    rule.host = fault.host;
    rule.status = fault.status;
    return change_answers(rule, target, terms);
}

}  // namespace blackstart
