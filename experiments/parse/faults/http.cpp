#include "injector/http.h"

#include <algorithm>
#include <cctype>

#include "experiments/parse/faults.h"
#include "experiments/parse/faults/answers.h"

namespace blackstart {
namespace {

std::string host_fault(const std::string& host) {
    const auto colon = host.find(':', host.starts_with('[') ? host.find(']') : 0);  // those of an IPv6 address are its own
    return colon == std::string::npos ? "" : "a host is matched on any port: did you mean '" + host.substr(0, colon) + "'?";
}

}  // namespace

template <> void describe(Keys& keys, HttpFault& fault) {
    keys.about = "Turn answers of an HTTP/1.x service into errors, in flight: a share of them, by path, method or host.";
    keys.example = "blackstart inject http --port 8080 --status 503 --probability 85% --for 30s";
    keys.add("port", type::list(type::port()), fault.ports).need().says("TCP port of the service");
    keys.add("path", type::matching("PATH", path_fault), fault.path).otherwise("every path").says("whole path; a last * makes it a prefix");
    keys.add("method",
             type::choice<std::string>("method", {{"GET", "GET"},
                                                  {"HEAD", "HEAD"},
                                                  {"POST", "POST"},
                                                  {"PUT", "PUT"},
                                                  {"DELETE", "DELETE"},
                                                  {"PATCH", "PATCH"},
                                                  {"OPTIONS", "OPTIONS"},
                                                  {"TRACE", "TRACE"}}),
             fault.method)
        .otherwise("every method")
        .says("request method");
    keys.on("host", type::in_ace(type::matching("HOST", host_fault)),
            [&fault](std::string host) {
                std::ranges::transform(host, host.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
                fault.host = std::move(host);
            })
        .otherwise("any")
        .says("Host field, without a port; a last * makes it a prefix");
    keys.add("status", shown_status(), fault.status).otherwise("503").says("what is shown instead of the true one");
}

}  // namespace blackstart
