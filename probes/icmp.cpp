#include "probes/icmp.h"

#include <arpa/inet.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <sys/epoll.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <random>

#include "probes/children.h"
#include "probes/runner.h"
#include "probes/sockets.h"

namespace blackstart {

namespace {

// The header of an echo is the same in both versions: type, code, checksum, identifier, sequence number.
struct Echo {
    std::uint8_t type = 0, code = 0;
    std::uint16_t checksum = 0;
    std::uint16_t identifier = 0, sequence = 0;
    std::uint64_t cookie = 0;  // ours: tells the reply from any other
};
static_assert(sizeof(Echo) == 16);

std::uint16_t internet_checksum(const Echo& echo) {  // RFC 1071
    std::array<std::uint16_t, sizeof(Echo) / 2> words;
    std::memcpy(words.data(), &echo, sizeof echo);
    std::uint32_t sum = 0;
    for (const auto word : words) sum += word;
    sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<std::uint16_t>(~(sum + (sum >> 16)));
}

class IcmpRunner final : public Runner {
public:
    IcmpRunner(const IcmpProbe& probe, const Place& place_, Surroundings& around)
        : loop(around.loop),
          sockets(around.shared<Sockets>()),
          place(place_),
          foreign(sockets.foreign(place_)),
          to(probe.to),
          numeric(endpoint(probe.to, 0)) {
        if (!numeric) children = &around.shared<Children>();
    }
    std::unique_ptr<Attempt> begin(Tick& tick) override;

    Loop& loop;
    const Sockets& sockets;
    const Place place;
    const int foreign;
    const std::string to;
    const std::optional<Endpoint> numeric;
    Children* children = nullptr;  // for a name
    std::mt19937_64 cookies{std::random_device{}()};
    std::uint16_t sequence = 0;
};

class IcmpAttempt final : public Attempt {
public:
    IcmpAttempt(IcmpRunner& runner, Tick& tick) : runner_(runner), tick_(tick) {
        if (runner.numeric)
            send(*runner.numeric);
        else
            child_ = runner.children->look_up(runner.place, runner.to, AF_UNSPEC, [this](const Lookup& lookup) { found(lookup); });
    }

private:
    void found(const Lookup& lookup) {
        if (!lookup.failure.empty()) return tick_.finish(failed(lookup.failure));
        const auto to = lookup.addresses.empty() ? std::nullopt : endpoint(lookup.addresses.front(), 0);
        if (!to) return tick_.finish(failed("no address"));
        send(*to);
    }

    unique_fd open(int family) {
        const int protocol = family == AF_INET6 ? static_cast<int>(IPPROTO_ICMPV6) : static_cast<int>(IPPROTO_ICMP);
        auto socket = runner_.sockets.open(runner_.foreign, family, SOCK_DGRAM, protocol);
        if (!socket) {
            socket = runner_.sockets.open(runner_.foreign, family, SOCK_RAW, protocol);
            raw_ = true;
        }
        return socket;
    }

    void send(const Endpoint& to) {
        v6_ = to.family() == AF_INET6;
        socket_ = open(to.family());
        if (!socket_) return tick_.finish(failed("no socket for pings: " + error_text(errno)));
        const int on = 1;  // unreachables are told as errors at once
        ::setsockopt(socket_.get(), v6_ ? static_cast<int>(IPPROTO_IPV6) : static_cast<int>(IPPROTO_IP), v6_ ? IPV6_RECVERR : IP_RECVERR,
                     &on, sizeof on);
        if (::connect(socket_.get(), to.get(), to.length) != 0) return tick_.finish(failed(error_text(errno)));
        Echo echo;
        echo.type = v6_ ? ICMP6_ECHO_REQUEST : ICMP_ECHO;
        cookie_ = echo.cookie = runner_.cookies();
        echo.identifier = static_cast<std::uint16_t>(cookie_);  // a ping socket writes its own
        echo.sequence = htons(runner_.sequence++);
        if (!v6_) echo.checksum = internet_checksum(echo);  // the kernel adds that of ICMPv6
        if (::send(socket_.get(), &echo, sizeof echo, MSG_NOSIGNAL) < 0) return tick_.finish(failed(error_text(errno)));
        source_ = runner_.loop.io(socket_.get(), EPOLLIN, [this](std::uint32_t) { read(); });
    }

    void read() {
        std::array<char, 512> packet;
        const auto size = ::recv(socket_.get(), packet.data(), packet.size(), 0);
        if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
        if (size < 0) return tick_.finish(failed(error_text(errno)));
        // A raw IPv4 socket gives the IP header as well.
        const auto skip = raw_ && !v6_ ? static_cast<std::size_t>(packet[0] & 0x0f) * 4 : 0;
        Echo echo;
        if (static_cast<std::size_t>(size) < skip + sizeof echo) return;
        std::memcpy(&echo, packet.data() + skip, sizeof echo);
        if (echo.type == (v6_ ? ICMP6_ECHO_REPLY : ICMP_ECHOREPLY) && echo.cookie == cookie_) tick_.finish({true, "", std::nullopt});
    }

    IcmpRunner& runner_;
    Tick& tick_;
    std::unique_ptr<Children::Child> child_;
    unique_fd socket_;
    Loop::Source source_;
    bool v6_ = false, raw_ = false;
    std::uint64_t cookie_ = 0;
};

std::unique_ptr<Attempt> IcmpRunner::begin(Tick& tick) { return std::make_unique<IcmpAttempt>(*this, tick); }

}  // namespace

template <> std::unique_ptr<Runner> make_runner(const IcmpProbe& probe, const Place& place, Surroundings& around) {
    return std::make_unique<IcmpRunner>(probe, place, around);
}

}  // namespace blackstart
