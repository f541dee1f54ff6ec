// The answers to some requests are changed in flight: what `health` and `http` have in common.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "injector/health.h"
#include "injector/injection.h"

namespace blackstart {

struct AnswerRule {
    const char* what = "";  // the fault, for messages
    std::vector<std::uint16_t> ports;
    std::string path, agent, method, host;  // "": any; path, agent and host may end in *
    std::string sni;                        // with it, the answers are to TLS handshakes
    std::chrono::nanoseconds delay{0};      // of Result::slow
    std::vector<std::string> from;
    HealthFault::Protocol protocol = HealthFault::Protocol::http;
    HealthFault::Result result = HealthFault::Result::status;
    std::uint16_t status = 503;
};

// Throws Misuse for what cannot be, Unfit.
std::unique_ptr<Injection> change_answers(const AnswerRule& rule, const Target& target, const Terms& terms);

}  // namespace blackstart
