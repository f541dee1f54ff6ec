// What a server says of itself over gRPC: one call of grpc.health.v1.Health/Check, on a connection of its own, through libcurl.
// Source: the gRPC health checking protocol (grpc/doc/health-checking.md) and gRPC over HTTP/2 (PROTOCOL-HTTP2.md).
#pragma once

#include <string>

namespace blackstart {

struct GrpcHealthProbe {
    static constexpr const char* kind = "grpc-health";
    std::string address;             // address:port, [v6]:port, or name:port, looked up each time
    std::string service;             // empty: the server as a whole
    bool tls = false;                // else HTTP/2 in clear, with prior knowledge
    bool insecure = false;           // accept any certificate
    std::string status = "serving";  // expect.status; the value is one of unknown, serving, not-serving, service-unknown
};

}  // namespace blackstart
