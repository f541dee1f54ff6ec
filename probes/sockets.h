// Inside probes/: addresses as a user writes them, and sockets opened in a probe's network namespace.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "injector/kernel/unique_fd.h"
#include "probes/runner.h"

namespace blackstart {

struct Endpoint {
    sockaddr_storage address{};  // network byte order
    socklen_t length = 0;
    [[nodiscard]] int family() const { return address.ss_family; }
    [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&address); }
};

struct HostPort {
    std::string host;  // without brackets
    std::uint16_t port = 0;
};

// "10.0.0.1:80", "[fd00::1]:80", "web:80"; the port may be left out where there is a default, and then also the brackets.
// Nothing if it is none of these.
std::optional<HostPort> split_host_port(std::string_view text, std::optional<std::uint16_t> default_port);

// Of a numeric address; nothing for a name.
std::optional<Endpoint> endpoint(const std::string& host, std::uint16_t port);

// For people, as an observation's `why` is written: "connection refused", "no route to host".
std::string error_text(int error);
std::string small_letters(std::string text);

// Opens sockets. Entering a namespace costs two system calls a socket, and only where it is not our own.
class Sockets {
public:
    explicit Sockets(Surroundings&);
    // The namespace as open() takes it: -1 if it is our own.
    [[nodiscard]] int foreign(const Place& place) const;
    // Close-on-exec and non-blocking; empty with errno set if there is none.
    [[nodiscard]] unique_fd open(int foreign, int family, int type, int protocol = 0) const;

private:
    unique_fd home_;
    std::uint64_t home_id_;
};

// Connects over TCP to the first of some addresses that accepts. Closing its socket resets the connection: no TIME_WAIT is left
// that would use up the ports of a host which is probed often (health checkers do the same).
class Connection {
public:
    // `done` gets 0 once connected, else the last errno; not from inside the constructor. It destroys the connection, or says
    // when_readable().
    Connection(Loop& loop, const Sockets& sockets, int foreign, std::vector<Endpoint> to, std::function<void(int error)> done);
    [[nodiscard]] int socket() const { return socket_.get(); }
    void when_readable(std::function<void()> call);

private:
    void next();
    void ready();
    void answered();
    void finish(int error);

    Loop& loop_;
    const Sockets& sockets_;
    int foreign_;
    std::vector<Endpoint> to_;
    std::size_t tried_ = 0;
    int error_ = 0;
    std::function<void(int)> done_;
    std::function<void()> readable_;  // once connected
    unique_fd socket_;
    Loop::Source source_;
};

void reset_on_close(int socket);

}  // namespace blackstart
