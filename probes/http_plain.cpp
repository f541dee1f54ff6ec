#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "probes/http_reply.h"
#include "probes/http_request.h"
#include "probes/sockets.h"

namespace blackstart {

namespace {

constexpr std::size_t longest_request = 64 * 1024;  // surely fits into the empty send buffer of a new connection

// The name in small letters, of a header that says something. libcurl gives "Name:" and "Name;" meanings of their own.
std::string name_of(const std::string& header) {
    const auto colon = header.find(':');
    if (colon == std::string::npos || header.find_first_not_of(" \t", colon + 1) == std::string::npos) return "";
    return small_letters(header.substr(0, colon));
}

std::string request_text(const HttpProbe& probe, const Url& url) {
    std::string host = url.host.find(':') == std::string::npos ? url.host : "[" + url.host + "]";
    if (!url.standard_port) host += ":" + std::to_string(url.port);
    const auto given = [&](const char* name) {
        return std::any_of(probe.headers.begin(), probe.headers.end(), [&](const auto& header) { return name_of(header) == name; });
    };
    std::string text = probe.method + " " + url.target + " HTTP/1.1\r\n";
    if (!given("host")) text += "Host: " + host + "\r\n";
    for (const auto& header : probe.headers) text += header + "\r\n";
    if (!given("user-agent")) text += "User-Agent: blackstart\r\n";
    if (!given("accept")) text += "Accept: */*\r\n";
    if (!probe.body.empty() && !given("content-length")) text += "Content-Length: " + std::to_string(probe.body.size()) + "\r\n";
    return text + "\r\n" + probe.body;
}

class PlainRunner final : public Runner {
public:
    PlainRunner(const HttpProbe& probe, const Url& url, const Place& place, Surroundings& around)
        : loop(around.loop),
          sockets(around.shared<Sockets>()),
          foreign(sockets.foreign(place)),
          to(*endpoint(probe.resolve.empty() ? url.host : probe.resolve, url.port)),
          request(request_text(probe, url)),
          head(probe.method == "HEAD"),
          judge(probe) {}

    std::unique_ptr<Attempt> begin(Tick& tick) override;

    Loop& loop;
    const Sockets& sockets;
    const int foreign;
    const Endpoint to;
    const std::string request;
    const bool head;
    const HttpJudge judge;
};

class PlainAttempt final : public Attempt {
public:
    PlainAttempt(const PlainRunner& runner, Tick& tick)
        : runner_(runner),
          tick_(tick),
          reply_(runner.head),
          connection_(runner.loop, runner.sockets, runner.foreign, {runner.to}, [this](int error) { connected(error); }) {}

private:
    void connected(int error) {
        if (error != 0) return tick_.finish(failed(error_text(error)));
        const auto sent = ::send(connection_.socket(), runner_.request.data(), runner_.request.size(), MSG_NOSIGNAL);
        if (sent != static_cast<ssize_t>(runner_.request.size())) return tick_.finish(failed(error_text(errno)));
        connection_.when_readable([this] { read(); });
    }

    void read() {
        std::array<char, 16 * 1024> chunk;
        const auto size = ::recv(connection_.socket(), chunk.data(), chunk.size(), 0);
        if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
        if (size < 0) return tick_.finish(failed(error_text(errno)));
        if (size == 0 && !reply_.begun()) return tick_.finish(failed("connection closed without a reply"));
        const auto state = size == 0 ? reply_.close() : reply_.take({chunk.data(), static_cast<std::size_t>(size)});
        if (state == HttpReply::State::more) return;
        if (state == HttpReply::State::complete) return tick_.finish(runner_.judge(reply_.status(), reply_.body()));
        tick_.finish(failed(size == 0 ? "the reply was cut short" : "not an HTTP reply"));
    }

    const PlainRunner& runner_;
    Tick& tick_;
    HttpReply reply_;
    Connection connection_;
};

std::unique_ptr<Attempt> PlainRunner::begin(Tick& tick) { return std::make_unique<PlainAttempt>(*this, tick); }

}  // namespace

bool is_plain(const HttpProbe& probe, const Url& url) {
    const bool numeric = !probe.resolve.empty() || endpoint(url.host, url.port);
    const bool simple =
        std::all_of(probe.headers.begin(), probe.headers.end(), [](const auto& header) { return !name_of(header).empty(); });
    return !url.tls && !url.has_user && !probe.http2 && numeric && simple && request_text(probe, url).size() <= longest_request;
}

std::unique_ptr<Runner> make_plain_runner(const HttpProbe& probe, const Url& url, const Place& place, Surroundings& around) {
    return std::make_unique<PlainRunner>(probe, url, place, around);
}

}  // namespace blackstart
