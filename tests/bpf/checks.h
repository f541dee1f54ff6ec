// What a checker and a checked host say over HTTP/1.x, for tests of health faults.
#pragma once

#include <string>

#include "injector/health.h"
#include "tests/bpf/conversation.h"

namespace blackstart {

const packet::Flow v4{.source_port = 40000, .destination_port = 8080};
const packet::Flow v6{.source = "fd00::1", .destination = "fd00::2", .source_port = 40000, .destination_port = 8080};

const std::string health_check = "GET /healthz HTTP/1.1\r\nHost: web\r\n\r\n";
const std::string data = "GET /data HTTP/1.1\r\nHost: web\r\n\r\n";
const std::string failing = "HTTP/1.1 503 OK\r\nContent-Length: 2\r\n\r\nok";
const std::string haproxy = "OPTIONS / HTTP/1.0\r\n\r\n";

struct Health : Conversation {};

inline HealthFault fault_of(HealthFault::Result result = HealthFault::Result::status) {
    HealthFault fault;
    fault.ports = {8080};
    fault.path = "/healthz";
    fault.result = result;
    return fault;
}

inline Terms by_count(std::uint32_t fail, std::uint32_t pass) {
    Terms terms;
    terms.cycle.emplace();
    terms.cycle->fail = fail;
    terms.cycle->pass = pass;
    return terms;
}

}  // namespace blackstart
