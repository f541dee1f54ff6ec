#include "probes/http.h"

#include <algorithm>
#include <cctype>

#include "experiments/parse/probes.h"

namespace blackstart {
namespace {

std::string method_fault(const std::string& method) {
    const bool upper = std::ranges::all_of(method, [](unsigned char c) { return std::isupper(c) || c == '-'; });
    return upper ? "" : "'" + method + "' is no method: capital letters, as in GET";
}

std::string header_fault(const std::string& header) {
    const auto colon = header.find(':');
    const auto name = header.substr(0, colon);
    const bool token = !name.empty() && std::ranges::all_of(name, [](unsigned char c) { return c > ' ' && c < 0x7f; });
    if (colon == std::string::npos || !token) return "expected a header such as \"Host: web.test\", not '" + header + "'";
    return header.find_first_of("\r\n") == std::string::npos ? "" : "a header is one line";
}

}  // namespace

template <> void describe_probe(Keys& keys, HttpProbe& probe) {
    keys.about = "One HTTP request, on a connection of its own.";
    keys.add("url", type::url(), probe.url).need().says("what is asked for");
    keys.add("method", type::matching("METHOD", method_fault), probe.method).otherwise("GET").says("request method");
    keys.add("headers", type::list(type::matching("HEADER", header_fault)), probe.headers).says("\"Name: value\" each");
    keys.add("body", type::text(), probe.body).says("what is sent");
    keys.add("http2", type::flag(), probe.http2).says("HTTP/2: prior knowledge in clear, ALPN under TLS");
    keys.add("insecure", type::flag(), probe.insecure).says("accept any certificate");
    keys.add("resolve", type::address(), probe.resolve).says("connect there instead of resolving the URL's host");
    keys.add("value", extract(), probe.value).says("taken out of the body");
    keys.nested("expect",
                [&probe](Keys& expect) {
                    expect.add("status", type::list(type::whole<int>(100, 599, "STATUS")), probe.status)
                        .otherwise("any 2xx")
                        .says("status, or several");
                    expect.add("body", type::text(), probe.contains).says("a text that the body contains");
                })
        .says("what makes one observation ok");
}

}  // namespace blackstart
