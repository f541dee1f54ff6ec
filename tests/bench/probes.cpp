// probes [http] [dns] [seconds] [other|silent]: what so many http and dns probes at one a second cost, on loopback, and how late
// they are: latency counts from when a tick was due, so it holds the lateness. Prints one line of JSON. other: the responders are in
// another namespace than ours, so that each socket is opened through setns. silent: they never answer, and all observations are timeouts.
#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "injector/kernel/error.h"
#include "injector/kernel/netns.h"
#include "probes/loop.h"
#include "probes/watch.h"

namespace {

using namespace blackstart;
using namespace std::chrono_literals;

constexpr std::uint16_t http_port = 8080, dns_port = 5353;
constexpr char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n";

unique_fd listener(int type, std::uint16_t port) {
    unique_fd fd(::socket(AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_port = htons(port);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int megabytes = 4 << 20;
    ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &megabytes, sizeof megabytes);
    if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0) throw_errno("bind", errno);
    if (type == SOCK_STREAM) ::listen(fd.get(), 65535);
    return fd;
}

void add(int epoll, int fd) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = fd;
    ::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

void answer_dns(int fd) {
    std::array<std::uint8_t, 512> message;
    sockaddr_in from{};
    socklen_t size = sizeof from;
    ssize_t length = 0;
    while ((length = ::recvfrom(fd, message.data(), message.size() - 16, 0, reinterpret_cast<sockaddr*>(&from), &size)) > 0) {
        std::size_t end = 12;
        while (message[end] != 0) end += 1U + message[end];
        end += 5;
        constexpr std::array<std::uint8_t, 16> record{0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 10, 0, 0, 1};
        message[2] = 0x81;
        message[3] = 0x80;
        message[7] = 1;
        message[11] = 0;
        std::copy(record.begin(), record.end(), message.begin() + static_cast<std::ptrdiff_t>(end));
        ::sendto(fd, message.data(), end + record.size(), 0, reinterpret_cast<const sockaddr*>(&from), size);
    }
}

void answer_http(int fd) {
    std::array<char, 2048> request;
    const auto size = ::recv(fd, request.data(), request.size(), 0);
    if (size <= 0)
        ::close(fd);
    else
        ::send(fd, answer, sizeof answer - 1, MSG_NOSIGNAL);
}

[[noreturn]] void respond(const unique_fd& http, const unique_fd& dns, bool silent) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    while (silent) ::pause();
    const unique_fd epoll(::epoll_create1(EPOLL_CLOEXEC));
    add(epoll.get(), http.get());
    add(epoll.get(), dns.get());
    for (;;) {
        std::array<epoll_event, 256> events;
        const int count = ::epoll_wait(epoll.get(), events.data(), static_cast<int>(events.size()), -1);
        for (int i = 0; i < count; ++i) {
            const int fd = events[static_cast<std::size_t>(i)].data.fd;
            if (fd == dns.get()) {
                answer_dns(fd);
            } else if (fd == http.get()) {
                int accepted = 0;
                while ((accepted = ::accept4(fd, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0) add(epoll.get(), accepted);
            } else {
                answer_http(fd);
            }
        }
    }
}

std::vector<Probe> probes(int http, int dns) {
    std::vector<Probe> result(static_cast<std::size_t>(http + dns));
    for (std::size_t i = 0; i < result.size(); ++i) {
        // Interleaved, so that both kinds are spread over the second alike.
        if (i * static_cast<std::size_t>(http) / result.size() != (i + 1) * static_cast<std::size_t>(http) / result.size()) {
            HttpProbe kind;
            kind.url = fmt::format("http://127.0.0.1:{}/", http_port);
            result[i].kind = kind;
        } else {
            DnsProbe kind;
            kind.server = fmt::format("127.0.0.1:{}", dns_port);
            kind.query = "db.test";
            result[i].kind = kind;
        }
    }
    return result;
}

double seconds(const timeval& time) { return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6; }

struct Spent {
    double user, system;
};

Spent spent() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    return {seconds(usage.ru_utime), seconds(usage.ru_stime)};
}

void measure(const std::vector<Probe>& all, int netns, std::chrono::seconds duration) {
    Loop loop;
    std::vector<double> latencies;
    std::size_t bad = 0;
    std::string why;
    Watch watch(loop, all, std::vector<Place>(all.size(), Place{netns, -1}), [&](const Observation& seen) {
        latencies.push_back(static_cast<double>(seen.latency.count()) / 1e6);
        if (!seen.ok) ++bad, why = seen.why;
    });
    // The first second sets each probe up; what is measured is the time after it.
    Spent before{};
    const auto began = Loop::now();
    watch.start();
    const auto warm = loop.at(began + 1s, [&] {
        before = spent();
        latencies.clear();
        bad = 0;
    });
    const auto end = loop.at(began + 1s + duration, [&] { loop.stop(); });
    loop.run();
    const auto after = spent();
    const auto wall = std::chrono::duration<double>(Loop::now() - began - 1s).count();
    std::sort(latencies.begin(), latencies.end());
    const auto at = [&](double q) { return latencies[static_cast<std::size_t>(q * static_cast<double>(latencies.size() - 1))]; };
    fmt::print(
        "{{\"probes\":{},\"a_second\":{:.0f},\"not_ok\":{},\"why\":\"{}\",\"user\":{:.3f},\"system\":{:.3f},\"cores\":{:.3f},"
        "\"latency_ms\":{{\"p50\":{:.3f},\"p99\":{:.3f},\"max\":{:.3f}}},\"late_by_a_tenth\":{}}}\n",
        all.size(), static_cast<double>(latencies.size()) / wall, bad, why, (after.user - before.user) / wall,
        (after.system - before.system) / wall, (after.user + after.system - before.user - before.system) / wall, at(0.5), at(0.99), at(1),
        std::count_if(latencies.begin(), latencies.end(), [](double ms) { return ms > 100; }));
}

}  // namespace

int main(int argc, char** argv) {
    const int http = argc > 1 ? std::atoi(argv[1]) : 5000, dns = argc > 2 ? std::atoi(argv[2]) : 5000;
    const int duration = argc > 3 ? std::atoi(argv[3]) : 4;
    const bool other = argc > 4 && std::string_view(argv[4]) == "other", silent = argc > 4 && std::string_view(argv[4]) == "silent";
    try {
        const auto made = make_netns();
        const rlimit many{20000, 20000};
        ::setrlimit(RLIMIT_NOFILE, &many);
        pid_t responder = -1;
        {
            const InNetns inside(made.get());
            const auto tcp = listener(SOCK_STREAM, http_port), udp = listener(SOCK_DGRAM, dns_port);
            responder = ::fork();
            if (responder == 0) respond(tcp, udp, silent);
        }
        if (!other && ::setns(made.get(), 0) != 0) throw_errno("setns", errno);
        measure(probes(http, dns), made.get(), std::chrono::seconds(duration));
        ::kill(responder, SIGKILL);
    } catch (const std::exception& error) {
        fmt::print(stderr, "{}\n", error.what());
        return 4;
    }
}
