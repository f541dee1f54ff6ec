// Loopback servers for probes to look at, and a watch run for a while.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "injector/kernel/unique_fd.h"
#include "probes/loop.h"
#include "probes/watch.h"

namespace blackstart::testing {

using namespace std::chrono_literals;

inline std::string family_name(const ::testing::TestParamInfo<int>& family) { return family.param == AF_INET ? "IPv4" : "IPv6"; }
inline std::string loopback(int family) { return family == AF_INET ? "127.0.0.1" : "::1"; }

// A socket bound to a port of the loopback address; zero: a free one, which it says.
inline unique_fd bound(int family, int type, std::uint16_t& port) {
    unique_fd fd(::socket(family, type | SOCK_CLOEXEC, 0));
    sockaddr_storage address{};
    address.ss_family = static_cast<sa_family_t>(family);
    if (family == AF_INET)
        reinterpret_cast<sockaddr_in*>(&address)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    else
        reinterpret_cast<sockaddr_in6*>(&address)->sin6_addr = in6addr_loopback;
    reinterpret_cast<sockaddr_in*>(&address)->sin_port = htons(port);  // at the same place in sockaddr_in6
    socklen_t size = family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
    EXPECT_EQ(0, ::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), size));
    ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size);
    port = ntohs(reinterpret_cast<sockaddr_in*>(&address)->sin_port);
    return fd;
}

// Serves until it is destroyed. `poll` comes back at least every 20 ms, so that the end is seen.
class Server {
public:
    Server(int family_, int type, std::uint16_t port_ = 0) : family(family_), port(port_), socket(bound(family_, type, port)) {}
    [[nodiscard]] std::string at() const { return (family == AF_INET ? "127.0.0.1:" : "[::1]:") + std::to_string(port); }
    [[nodiscard]] bool readable() const {
        pollfd one{socket.get(), POLLIN, 0};
        return ::poll(&one, 1, 20) == 1;
    }

    int family;
    std::uint16_t port;
    unique_fd socket;
    std::atomic<bool> over = false;
};

// One thread a connection: `serve` is given the connection and closes nothing.
class TcpServer : public Server {
public:
    TcpServer(int family_, std::function<void(int)> serve) : Server(family_, SOCK_STREAM), serve_(std::move(serve)) {
        EXPECT_EQ(0, ::listen(socket.get(), 1024));
        acceptor_ = std::thread([this] { accept_all(); });
    }
    ~TcpServer() {
        over = true;
        acceptor_.join();
        for (auto& thread : connections_) thread.join();
    }

private:
    void accept_all() {
        while (!over) {
            if (!readable()) continue;
            connections_.emplace_back([this, fd = ::accept4(socket.get(), nullptr, nullptr, SOCK_CLOEXEC)] {
                const unique_fd connection(fd);
                serve_(fd);
            });
        }
    }

    std::function<void(int)> serve_;
    std::thread acceptor_;
    std::vector<std::thread> connections_;
};

inline std::string read_request(int fd) {
    std::string request;
    char chunk[4096];
    while (request.find("\r\n\r\n") == std::string::npos) {
        const auto size = ::recv(fd, chunk, sizeof chunk, 0);
        if (size <= 0) break;
        request.append(chunk, static_cast<std::size_t>(size));
    }
    return request;
}

inline void write_all(int fd, const std::string& text) { (void)!::send(fd, text.data(), text.size(), MSG_NOSIGNAL); }

inline std::string response(int status, const std::string& body) {
    return "HTTP/1.1 " + std::to_string(status) + " Text\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

// Answers each request by `reply`; an empty reply keeps the connection open and silent until the client goes.
inline TcpServer http_server(int family, std::function<std::string(const std::string& request)> reply) {
    return TcpServer(family, [reply = std::move(reply)](int fd) {
        const auto text = reply(read_request(fd));
        if (!text.empty()) write_all(fd, text);
        char rest[64];
        while (::recv(fd, rest, sizeof rest, 0) > 0) continue;
    });
}

using Bytes = std::vector<std::uint8_t>;

// Answers each query by what `reply` makes of it; nothing: silence.
class DnsServer : public Server {
public:
    DnsServer(int family_, std::function<std::optional<Bytes>(Bytes query)> reply, std::uint16_t port_ = 0)
        : Server(family_, SOCK_DGRAM, port_) {
        thread_ = std::thread([this, reply = std::move(reply)] {
            while (!over) {
                if (readable()) answer(reply);
            }
        });
    }
    ~DnsServer() {
        over = true;
        thread_.join();
    }

private:
    void answer(const std::function<std::optional<Bytes>(Bytes)>& reply) const {
        Bytes query(1500);
        sockaddr_storage from{};
        socklen_t size = sizeof from;
        const auto length = ::recvfrom(socket.get(), query.data(), query.size(), 0, reinterpret_cast<sockaddr*>(&from), &size);
        if (length < 0) return;
        query.resize(static_cast<std::size_t>(length));
        if (const auto answer = reply(query))
            ::sendto(socket.get(), answer->data(), answer->size(), 0, reinterpret_cast<const sockaddr*>(&from), size);
    }

    std::thread thread_;
};

struct Record {
    std::uint16_t type;
    Bytes data;
};

inline std::size_t question_end(const Bytes& query) {
    std::size_t end = 12;
    while (query[end] != 0) end += 1U + query[end];
    return end + 5;
}

// The query's answer: its header and question, `records`, and nothing else.
inline Bytes dns_reply(Bytes query, int rcode, const std::vector<Record>& records, bool truncated = false) {
    query.resize(question_end(query));
    query[2] = static_cast<std::uint8_t>(0x81 | (truncated ? 2 : 0));
    query[3] = static_cast<std::uint8_t>(0x80 | rcode);
    query[6] = 0;
    query[7] = static_cast<std::uint8_t>(records.size());
    query[10] = query[11] = 0;
    for (const auto& record : records) {
        query.insert(query.end(),
                     {0xc0, 0x0c, static_cast<std::uint8_t>(record.type >> 8), static_cast<std::uint8_t>(record.type), 0, 1, 0, 0, 0, 60,
                      static_cast<std::uint8_t>(record.data.size() >> 8), static_cast<std::uint8_t>(record.data.size())});
        query.insert(query.end(), record.data.begin(), record.data.end());
    }
    return query;
}

// What a watch reports of these probes in `duration`, and then until the last has landed.
class Watched {
public:
    explicit Watched(std::vector<Probe> probes, std::chrono::nanoseconds duration, std::vector<Place> places = {}) {
        places.resize(probes.size());
        Loop loop;
        Watch watch(loop, probes, places, [this](const Observation& seen) { all.push_back(seen); });
        watch.start();
        began = Loop::now();
        const auto end = loop.at(began + duration, [&] { watch.drain([&] { drained = true, loop.stop(); }); });
        const auto guard = loop.at(began + duration + 20s, [&] { loop.stop(); });
        loop.run();
        EXPECT_TRUE(drained) << "the watch did not drain";
    }

    [[nodiscard]] std::vector<Observation> of(std::size_t probe) const {
        std::vector<Observation> some;
        for (const auto& seen : all)
            if (seen.probe == probe) some.push_back(seen);
        return some;
    }
    // Of a probe whose observations are all alike: any of them.
    [[nodiscard]] Observation one(std::size_t probe = 0) const {
        const auto some = of(probe);
        EXPECT_FALSE(some.empty());
        return some.empty() ? Observation{} : some.front();
    }

    std::vector<Observation> all;
    std::chrono::nanoseconds began{0};
    bool drained = false;
};

inline Probe probe(ProbeKind kind, std::chrono::nanoseconds every = 50ms, std::chrono::nanoseconds timeout = 5s) {
    Probe result;
    result.kind = std::move(kind);
    result.every = every;
    result.timeout = timeout;
    return result;
}

}  // namespace blackstart::testing
