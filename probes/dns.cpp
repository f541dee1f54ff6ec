#include "probes/dns.h"

#include <sys/epoll.h>
#include <sys/random.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <random>

#include "injector/kernel/error.h"
#include "probes/dns_message.h"
#include "probes/extract.h"
#include "probes/runner.h"
#include "probes/sockets.h"

namespace blackstart {

namespace {

constexpr std::size_t largest_message = 65535;

std::string joined(const std::vector<std::string>& set) {
    std::string text;
    for (const auto& element : set) text += (text.empty() ? "" : ", ") + element;
    return text.empty() ? "none" : text;
}

// What a reply means to a probe.
class DnsJudge {
public:
    explicit DnsJudge(const DnsProbe& probe) : probe_(probe) {
        for (auto& answer : probe_.answers) answer = normal_answer(std::move(answer), probe_.type);
        std::sort(probe_.answers.begin(), probe_.answers.end());
        if (probe.value) extract_.emplace(*probe.value);
    }

    [[nodiscard]] Outcome operator()(DnsReply reply) const {
        // What a truncated answer left out is unknown, so it has no value: not an empty set, and not a change.
        if (reply.truncated) return failed("truncated");
        Outcome outcome;
        outcome.why = why_not(reply);
        outcome.ok = outcome.why.empty();
        if (!extract_) {
            outcome.value = std::move(reply.answers);
        } else {
            for (const auto& text : reply.answers)
                if (!outcome.value) outcome.value = (*extract_)(text);
        }
        return outcome;
    }

private:
    [[nodiscard]] std::string why_not(const DnsReply& reply) const {
        if (reply.rcode != probe_.rcode) return rcode_name(reply.rcode);
        if (!probe_.answers.empty() && reply.answers != probe_.answers) return "answers: " + joined(reply.answers);
        const auto count = static_cast<int>(reply.answers.size());
        if (reply.rcode == 0 && count < probe_.min_answers) return count == 0 ? "no answers" : "answers: " + joined(reply.answers);
        return "";
    }

    DnsProbe probe_;
    std::optional<Extractor> extract_;
};

// A query of its own for each attempt: the id is random, as is the port that the kernel chooses.
class Ids {
public:
    explicit Ids(Surroundings&) {
        std::uint64_t seed = 0;
        if (::getrandom(&seed, sizeof seed, 0) == sizeof seed) engine_.seed(seed);
    }
    void set(std::vector<std::uint8_t>& query) {
        const auto id = engine_();
        query[0] = static_cast<std::uint8_t>(id >> 8);
        query[1] = static_cast<std::uint8_t>(id);
    }

private:
    std::mt19937_64 engine_;
};

class UdpQuery final : public Attempt {
public:
    UdpQuery(Loop& loop, Tick& tick, const DnsJudge& judge, unique_fd socket, std::vector<std::uint8_t> query)
        : tick_(tick), judge_(judge), query_(std::move(query)), socket_(std::move(socket)) {
        readable_ = loop.io(socket_.get(), EPOLLIN, [this](std::uint32_t) { read(); });
    }

private:
    void read() {
        static std::array<std::uint8_t, largest_message> message;
        const auto size = ::recv(socket_.get(), message.data(), message.size(), 0);
        if (size < 0) {
            if (errno != EAGAIN && errno != EINTR) tick_.finish(failed(error_text(errno)));
            return;
        }
        auto parse = parse_reply({message.data(), static_cast<std::size_t>(size)}, query_);
        if (parse.reply) return tick_.finish(judge_(std::move(*parse.reply)));
        if (parse.problem == NotAReply::malformed) tick_.finish(failed("malformed answer"));
    }

    Tick& tick_;
    const DnsJudge& judge_;
    std::vector<std::uint8_t> query_;
    unique_fd socket_;
    Loop::Source readable_;
};

// RFC 1035 §4.2.2: a length of two bytes before each message.
class TcpQuery final : public Attempt {
public:
    TcpQuery(Loop& loop, Tick& tick, const DnsJudge& judge, const Sockets& sockets, int foreign, const Endpoint& to,
             std::vector<std::uint8_t> query)
        : tick_(tick),
          judge_(judge),
          query_(std::move(query)),
          connection_(loop, sockets, foreign, {to}, [this](int error) { connected(error); }) {}

private:
    void connected(int error) {
        if (error != 0) return tick_.finish(failed(error_text(error)));
        std::vector<std::uint8_t> framed{static_cast<std::uint8_t>(query_.size() >> 8), static_cast<std::uint8_t>(query_.size())};
        framed.insert(framed.end(), query_.begin(), query_.end());
        // A query fits into the empty send buffer of a new connection.
        if (::send(connection_.socket(), framed.data(), framed.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(framed.size()))
            return tick_.finish(failed(error_text(errno)));
        connection_.when_readable([this] { read(); });
    }

    void read() {
        std::array<std::uint8_t, 4096> chunk;
        const auto size = ::recv(connection_.socket(), chunk.data(), chunk.size(), 0);
        if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
        if (size <= 0) return tick_.finish(failed(size == 0 ? "connection closed" : error_text(errno)));
        received_.insert(received_.end(), chunk.begin(), chunk.begin() + size);
        if (received_.size() < 2) return;
        const auto length = static_cast<std::size_t>(received_[0] << 8 | received_[1]);
        if (received_.size() < 2 + length) return;
        auto parse = parse_reply(std::span(received_).subspan(2, length), query_);
        tick_.finish(parse.reply ? judge_(std::move(*parse.reply)) : failed("malformed answer"));
    }

    Tick& tick_;
    const DnsJudge& judge_;
    std::vector<std::uint8_t> query_, received_;
    Connection connection_;
};

class DnsRunner final : public Runner {
public:
    DnsRunner(const DnsProbe& probe, const Place& place, Surroundings& around)
        : loop_(around.loop),
          sockets_(around.shared<Sockets>()),
          ids_(around.shared<Ids>()),
          foreign_(sockets_.foreign(place)),
          tcp_(probe.tcp),
          query_(dns_query(probe.query, probe.type)),
          judge_(probe) {
        const auto at = split_host_port(probe.server, 53);
        const auto to = at ? endpoint(at->host, at->port) : std::nullopt;
        if (!to) throw Misuse("server '" + probe.server + "' is not an address, ADDRESS:PORT or [V6]:PORT");
        to_ = *to;
    }

    std::unique_ptr<Attempt> begin(Tick& tick) override {
        ids_.set(query_);
        if (tcp_) return std::make_unique<TcpQuery>(loop_, tick, judge_, sockets_, foreign_, to_, query_);
        auto socket = sockets_.open(foreign_, to_.family(), SOCK_DGRAM);
        // Connected: the kernel passes nothing on that does not come from the server, and tells of a closed port.
        if (!socket || ::connect(socket.get(), to_.get(), to_.length) != 0 ||
            ::send(socket.get(), query_.data(), query_.size(), MSG_NOSIGNAL) < 0) {
            tick.finish(failed(error_text(errno)));
            return nullptr;
        }
        return std::make_unique<UdpQuery>(loop_, tick, judge_, std::move(socket), query_);
    }

private:
    Loop& loop_;
    const Sockets& sockets_;
    Ids& ids_;
    int foreign_;
    bool tcp_;
    Endpoint to_;
    std::vector<std::uint8_t> query_;  // with the id of the latest attempt
    DnsJudge judge_;
};

}  // namespace

template <> std::unique_ptr<Runner> make_runner(const DnsProbe& probe, const Place& place, Surroundings& around) {
    return std::make_unique<DnsRunner>(probe, place, around);
}

}  // namespace blackstart
