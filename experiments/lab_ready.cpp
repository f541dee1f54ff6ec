#include "experiments/lab_ready.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <optional>
#include <string_view>

#include "injector/kernel/error.h"
#include "injector/kernel/netns.h"
#include "injector/kernel/unique_fd.h"

namespace blackstart {
namespace {

using Clock = std::chrono::steady_clock;

struct Endpoint {
    sockaddr_storage address{};
    socklen_t length = 0;
};

std::optional<Endpoint> literal(const std::string& address, std::uint16_t port) {
    Endpoint endpoint;
    auto* v4 = reinterpret_cast<sockaddr_in*>(&endpoint.address);
    auto* v6 = reinterpret_cast<sockaddr_in6*>(&endpoint.address);
    if (::inet_pton(AF_INET, address.c_str(), &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(port);
        endpoint.length = sizeof *v4;
    } else if (::inet_pton(AF_INET6, address.c_str(), &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(port);
        endpoint.length = sizeof *v6;
    } else {
        return std::nullopt;
    }
    return endpoint;
}

// "host:port", "[v6]:port", or either without a port, or a bare IPv6 address.
Endpoint endpoint(const std::string& text, std::uint16_t port, const std::map<std::string, std::vector<std::string>>& hosts) {
    std::string host = text;
    const bool bare_v6 = !text.starts_with('[') && text.find(':') != text.rfind(':');
    if (const auto colon = text.rfind(':'); colon != std::string::npos && !bare_v6 && !text.ends_with(']')) {
        const char* end = text.data() + text.size();
        const auto [at, error] = std::from_chars(text.data() + colon + 1, end, port);
        if (error != std::errc{} || at != end) port = 0;
        host = text.substr(0, colon);
    }
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    if (const auto known = hosts.find(host); known != hosts.end() && !known->second.empty()) host = known->second.front();
    const auto found = literal(host, port);
    if (!found || port == 0)
        throw Misuse("ready: '" + text + "' is not an address and a port, as 10.0.0.1:80, [fd00::1]:80 or a lab host's name and :80");
    return *found;
}

bool await(int fd, short events, Clock::time_point until) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now()).count();
    pollfd one{fd, events, 0};
    return left > 0 && ::poll(&one, 1, static_cast<int>(left)) == 1;
}

unique_fd open_socket(const Endpoint& to, int type, int netns_fd, Clock::time_point until) {
    const InNetns inside(netns_fd);
    unique_fd fd(::socket(to.address.ss_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd) throw_errno("cannot open a socket", errno);
    const int connected = ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&to.address), to.length);
    if (connected != 0 && errno != EINPROGRESS) return {};
    if (connected != 0) {
        int error = 0;
        socklen_t size = sizeof error;
        if (!await(fd.get(), POLLOUT, until)) return {};
        if (::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error != 0) return {};
    }
    return fd;
}

// Sends, then receives at least `enough` bytes; what came is returned.
std::string exchange(int fd, std::string_view request, std::size_t enough, Clock::time_point until) {
    std::string reply;
    if (::send(fd, request.data(), request.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(request.size())) return reply;
    char buffer[2048];
    while (reply.size() < enough && await(fd, POLLIN, until)) {
        const auto got = ::recv(fd, buffer, sizeof buffer, 0);
        if (got <= 0) break;
        reply.append(buffer, static_cast<std::size_t>(got));
    }
    return reply;
}

struct Url {
    std::string authority, path;
};

Url split(const std::string& url) {
    constexpr std::string_view scheme = "http://";
    if (!url.starts_with(scheme)) throw Misuse("ready: '" + url + "' is not an http:// URL");
    const auto slash = url.find('/', scheme.size());
    if (slash == std::string::npos) return {url.substr(scheme.size()), "/"};
    return {url.substr(scheme.size(), slash - scheme.size()), url.substr(slash)};
}

bool http_ok(int fd, const Url& url, Clock::time_point until) {
    const std::string request = "GET " + url.path + " HTTP/1.1\r\nHost: " + url.authority + "\r\nConnection: close\r\n\r\n";
    constexpr std::size_t status_at = 9;  // "HTTP/1.1 200", RFC 9112 §4
    const auto reply = exchange(fd, request, status_at + 3, until);
    return reply.starts_with("HTTP/1.") && reply.size() > status_at && reply[status_at] == '2';
}

bool dns_answers(int fd, Clock::time_point until) {
    // id 0x6273, RD=0, one question: version.bind. TXT CH
    constexpr std::string_view query("bs\0\0\0\1\0\0\0\0\0\0\7version\4bind\0\0\x10\0\3", 30);
    const auto reply = exchange(fd, query, 12, until);
    return reply.size() >= 12 && reply.starts_with("bs") && (reply[2] & 0x80) != 0;
}

}  // namespace

bool is_ready(const Ready& ready, int netns_fd, const std::map<std::string, std::vector<std::string>>& hosts,
              std::chrono::milliseconds patience) {
    const auto until = Clock::now() + patience;
    if (!ready.tcp.empty()) return static_cast<bool>(open_socket(endpoint(ready.tcp, 0, hosts), SOCK_STREAM, netns_fd, until));
    if (!ready.http.empty()) {
        const Url url = split(ready.http);
        const auto fd = open_socket(endpoint(url.authority, 80, hosts), SOCK_STREAM, netns_fd, until);
        return fd && http_ok(fd.get(), url, until);
    }
    if (!ready.dns.empty()) {
        const auto fd = open_socket(endpoint(ready.dns, 53, hosts), SOCK_DGRAM, netns_fd, until);
        return fd && dns_answers(fd.get(), until);
    }
    return true;
}

std::string to_string(const Ready& ready) {
    if (!ready.tcp.empty()) return "tcp " + ready.tcp;
    if (!ready.http.empty()) return ready.http;
    return "dns " + ready.dns;
}

}  // namespace blackstart
