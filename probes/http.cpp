#include "probes/http.h"

#include <curl/curl.h>

#include <algorithm>
#include <memory>

#include "injector/kernel/error.h"
#include "probes/http_request.h"
#include "probes/sockets.h"

namespace blackstart {

Url parse_url(const std::string& text) {
    const std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> url(curl_url(), curl_url_cleanup);
    if (curl_url_set(url.get(), CURLUPART_URL, text.c_str(), 0) != CURLUE_OK) throw Misuse("'" + text + "' is not a URL");
    const auto part = [&](CURLUPart which, unsigned flags = 0) {
        char* value = nullptr;
        curl_url_get(url.get(), which, &value, flags);
        std::string result = value == nullptr ? "" : value;
        curl_free(value);
        return result;
    };
    const auto scheme = part(CURLUPART_SCHEME);
    if (scheme != "http" && scheme != "https") throw Misuse("'" + text + "': an http probe takes http:// and https:// URLs");
    Url result;
    result.host = part(CURLUPART_HOST);
    if (result.host.starts_with('[')) result.host = result.host.substr(1, result.host.size() - 2);
    result.port = static_cast<std::uint16_t>(std::stoul(part(CURLUPART_PORT, CURLU_DEFAULT_PORT)));
    result.target = part(CURLUPART_PATH);
    if (const auto query = part(CURLUPART_QUERY); !query.empty()) result.target += "?" + query;
    result.tls = scheme == "https";
    result.standard_port = result.port == (result.tls ? 443 : 80);
    result.has_user = !part(CURLUPART_USER).empty() || !part(CURLUPART_PASSWORD).empty();
    return result;
}

HttpJudge::HttpJudge(const HttpProbe& probe) : status_(probe.status), contains_(probe.contains) {
    if (probe.value) extract_.emplace(*probe.value);
}

Outcome HttpJudge::operator()(int status, const std::string& body) const {
    Outcome outcome;
    const bool wanted = status_.empty() ? status / 100 == 2 : std::find(status_.begin(), status_.end(), status) != status_.end();
    if (!wanted)
        outcome.why = "status " + std::to_string(status);
    else if (body.find(contains_) == std::string::npos)
        outcome.why = "the body lacks \"" + contains_ + "\"";
    outcome.ok = outcome.why.empty();
    if (extract_) outcome.value = (*extract_)(body);
    return outcome;
}

template <> std::unique_ptr<Runner> make_runner(const HttpProbe& probe, const Place& place, Surroundings& around) {
    const auto url = parse_url(probe.url);
    if (!probe.resolve.empty() && !endpoint(probe.resolve, url.port)) throw Misuse("resolve '" + probe.resolve + "' is not an address");
    if (is_plain(probe, url)) return make_plain_runner(probe, url, place, around);
    return make_curl_runner(probe, url, place, around, [judge = std::make_shared<const HttpJudge>(probe)](const HttpResponse& response) {
        return (*judge)(response.status, response.body);
    });
}

}  // namespace blackstart
