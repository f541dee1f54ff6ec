// One HTTP request, on a connection of its own; no redirect is followed, and no proxy of the environment's is used. The name in a
// URL is looked up for each request, as in resolve.h, in a process of its own (1 ms): it counts into latency and timeout. Of a body
// the first MiB is read. Through libcurl, but for plain requests to an address (http_request.h).
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace blackstart {

// Takes a value out of a body: a JSON pointer (RFC 6901) or the first group of an ECMAScript regex (or its whole match).
struct Extract {
    std::string json, regex;  // one of the two
    bool whole = false;       // or neither: the whole text, as text
};

struct HttpProbe {
    static constexpr const char* kind = "http";
    std::string url;
    std::string method = "GET";
    std::vector<std::string> headers;  // "Name: value"
    std::string body;
    bool http2 = false;       // prior knowledge in clear, ALPN under TLS
    bool insecure = false;    // accept any certificate
    std::string resolve;      // an address to connect to instead of resolving the URL's host
    std::vector<int> status;  // expect.status: ok if the reply's is one of them; empty: any 2xx
    std::string contains;     // expect.body: a text that the body contains
    std::optional<Extract> value;
};

}  // namespace blackstart
