// A TCP connection, and optionally the first bytes that the server sends.
#pragma once

#include <string>

namespace blackstart {

struct TcpProbe {
    static constexpr const char* kind = "tcp";
    std::string address;  // address:port, [v6]:port, or name:port, looked up each time
    std::string banner;   // expect.banner: a text that the first bytes contain; empty: connecting is enough
};

}  // namespace blackstart
