// Inside probes/: what both ways to make an HTTP request have in common. Most is libcurl's to do; requests in clear to one numeric
// address go the short way: libcurl costs 45 µs of CPU for each, twice what ten thousand probes a second may have.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "probes/extract.h"
#include "probes/http.h"
#include "probes/runner.h"

namespace blackstart {

inline constexpr std::size_t longest_body = 1 << 20;  // what comes after that is not read

struct Url {
    std::string host;  // without brackets
    std::uint16_t port = 0;
    std::string target;  // path and query, as requested
    bool tls = false, standard_port = false, has_user = false;
};

// Throws Misuse for what is no http:// or https:// URL.
Url parse_url(const std::string& text);

// What a reply means to a probe.
class HttpJudge {
public:
    explicit HttpJudge(const HttpProbe& probe);
    [[nodiscard]] Outcome operator()(int status, const std::string& body) const;

private:
    std::vector<int> status_;
    std::string contains_;
    std::optional<Extractor> extract_;
};

// A reply as libcurl hands it over: `fields` holds the lines of its header and its trailer, in small letters up to the colon.
struct HttpResponse {
    int status = 0;
    std::string fields, body;
};
using ResponseJudge = std::function<Outcome(const HttpResponse&)>;

// `probe` says what is asked for; what it expects is the judge's to know.
std::unique_ptr<Runner> make_curl_runner(const HttpProbe& probe, const Url& url, const Place& place, Surroundings& around,
                                         ResponseJudge judge);

// Whether the short way can do it: in clear, HTTP/1.1, to a numeric address, with headers that need no interpretation.
bool is_plain(const HttpProbe& probe, const Url& url);
std::unique_ptr<Runner> make_plain_runner(const HttpProbe& probe, const Url& url, const Place& place, Surroundings& around);

}  // namespace blackstart
