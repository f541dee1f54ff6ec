// What the programs of HTTP/2 look for, in the words of a rule.
#pragma once

#include <cstdint>
#include <optional>

#include "injector/answers.h"
#include "injector/bpf/health.h"

namespace blackstart {

// The one octet that a status is as an entry of the static table (RFC 7541, appendix A); nothing for one that has none.
std::optional<std::uint8_t> status_octet(std::uint16_t status);

// Throws Misuse for what cannot be said in HTTP/2.
void configure(hpack_config& config, const AnswerRule& rule);

}  // namespace blackstart
