#include "probes/sockets.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/epoll.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <exception>

#include "injector/kernel/netns.h"

namespace blackstart {

std::optional<HostPort> split_host_port(std::string_view text, std::optional<std::uint16_t> default_port) {
    std::string_view host = text, port;
    const auto colon = text.rfind(':');
    if (text.starts_with('[')) {
        const auto end = text.find(']');
        if (end == std::string_view::npos) return std::nullopt;
        host = text.substr(1, end - 1);
        if (end + 1 < text.size()) {
            if (text[end + 1] != ':' || end + 2 == text.size()) return std::nullopt;
            port = text.substr(end + 2);
        }
    } else if (colon != std::string_view::npos && text.find(':') == colon) {
        host = text.substr(0, colon);
        port = text.substr(colon + 1);
        if (port.empty()) return std::nullopt;
    }
    HostPort result{std::string(host), default_port.value_or(0)};
    if (!port.empty()) {
        const auto [end, error] = std::from_chars(port.begin(), port.end(), result.port);
        if (error != std::errc{} || end != port.end()) return std::nullopt;
    }
    if (result.host.empty() || result.port == 0) return std::nullopt;
    return result;
}

std::optional<Endpoint> endpoint(const std::string& host, std::uint16_t port) {
    Endpoint result;
    auto* v4 = reinterpret_cast<sockaddr_in*>(&result.address);
    auto* v6 = reinterpret_cast<sockaddr_in6*>(&result.address);
    if (::inet_pton(AF_INET, host.c_str(), &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(port);
        result.length = sizeof *v4;
        return result;
    }
    if (::inet_pton(AF_INET6, host.c_str(), &v6->sin6_addr) != 1) return std::nullopt;
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    result.length = sizeof *v6;
    return result;
}

std::string error_text(int error) { return error == ECONNRESET ? "connection reset" : small_letters(std::strerror(error)); }

std::string small_letters(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return text;
}

Sockets::Sockets(Surroundings&) : home_(open_netns("")), home_id_(netns_id(home_.get())) {}

int Sockets::foreign(const Place& place) const { return place.netns < 0 || netns_id(place.netns) == home_id_ ? -1 : place.netns; }

unique_fd Sockets::open(int foreign, int family, int type, int protocol) const {
    if (foreign >= 0 && ::setns(foreign, CLONE_NEWNET) != 0) {
        errno = ENETDOWN;  // it is gone
        return {};
    }
    unique_fd socket(::socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol));
    const int error = errno;
    // A thread that stayed in the wrong namespace would aim at the wrong host: better none at all.
    if (foreign >= 0 && ::setns(home_.get(), CLONE_NEWNET) != 0) std::terminate();
    errno = error;
    return socket;
}

void reset_on_close(int socket) {
    const linger now{1, 0};
    ::setsockopt(socket, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

Connection::Connection(Loop& loop, const Sockets& sockets, int foreign, std::vector<Endpoint> to, std::function<void(int)> done)
    : loop_(loop), sockets_(sockets), foreign_(foreign), to_(std::move(to)), done_(std::move(done)) {
    next();
}

void Connection::next() {
    while (tried_ < to_.size()) {
        const auto& to = to_[tried_++];
        source_.reset();
        socket_ = sockets_.open(foreign_, to.family(), SOCK_STREAM);
        if (socket_) {
            reset_on_close(socket_.get());
            if (::connect(socket_.get(), to.get(), to.length) == 0 || errno == EINPROGRESS) {
                source_ = loop_.io(socket_.get(), EPOLLOUT, [this](std::uint32_t) { ready(); });
                return;
            }
        }
        error_ = errno;
        socket_.reset();
    }
    source_ = loop_.at(Loop::now(), [this] { finish(error_); });
}

void Connection::when_readable(std::function<void()> call) {
    readable_ = std::move(call);
    source_.want(EPOLLIN);
}

void Connection::ready() {
    if (readable_)
        readable_();
    else
        answered();
}

void Connection::answered() {
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) {
        error_ = error;
        return next();
    }
    finish(0);
}

void Connection::finish(int error) {
    const auto done = std::move(done_);  // it may destroy this connection
    done(error);
}

}  // namespace blackstart
