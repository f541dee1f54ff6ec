// Services that err: answers to requests are turned into an error status in flight.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace blackstart {

// Like the `status` of HealthFault (health.h), for any request in HTTP/1.x in clear; the share of them is the terms' probability.
// What is hit, and what passes unseen, is as there.
struct HttpFault {
    static constexpr const char* kind = "http";

    std::vector<std::uint16_t> ports;  // of the service, TCP; at least one
    std::string path;                  // as HealthFault::path
    std::string method;                // "GET"; empty: every method
    std::string host;                  // of the Host field, in lower case, without a port; a trailing * makes it a prefix; empty: any
    std::uint16_t status = 503;        // 200..599, not 204 or 304
};

}  // namespace blackstart
