#include "probes/tcp.h"

#include <array>
#include <cerrno>

#include "injector/kernel/error.h"
#include "probes/children.h"
#include "probes/runner.h"
#include "probes/sockets.h"

namespace blackstart {

namespace {

constexpr std::size_t longest_banner = 4096;

class TcpRunner final : public Runner {
public:
    TcpRunner(const TcpProbe& probe, const Place& place_, Surroundings& around)
        : loop(around.loop), sockets(around.shared<Sockets>()), place(place_), foreign(sockets.foreign(place_)), banner(probe.banner) {
        const auto parts = split_host_port(probe.address, std::nullopt);
        if (!parts) throw Misuse("address '" + probe.address + "' is not ADDRESS:PORT, [V6]:PORT or NAME:PORT");
        at = *parts;
        numeric = endpoint(at.host, at.port);
        if (!numeric) children = &around.shared<Children>();
    }

    std::unique_ptr<Attempt> begin(Tick& tick) override;

    Loop& loop;
    const Sockets& sockets;
    const Place place;
    const int foreign;
    const std::string banner;
    HostPort at;
    std::optional<Endpoint> numeric;
    Children* children = nullptr;  // for a name
};

class TcpAttempt final : public Attempt {
public:
    TcpAttempt(const TcpRunner& runner, Tick& tick) : runner_(runner), tick_(tick) {
        if (runner.numeric)
            connect({*runner.numeric});
        else
            child_ = runner.children->look_up(runner.place, runner.at.host, AF_UNSPEC, [this](Lookup lookup) { found(std::move(lookup)); });
    }

private:
    void found(Lookup lookup) {
        if (!lookup.failure.empty()) return tick_.finish(failed(std::move(lookup.failure)));
        std::vector<Endpoint> to;
        for (const auto& address : lookup.addresses)
            if (const auto each = endpoint(address, runner_.at.port)) to.push_back(*each);
        connect(std::move(to));
    }

    void connect(std::vector<Endpoint> to) {
        connection_ = std::make_unique<Connection>(runner_.loop, runner_.sockets, runner_.foreign, std::move(to),
                                                   [this](int error) { connected(error); });
    }

    void connected(int error) {
        if (error != 0) return tick_.finish(failed(error_text(error)));
        if (runner_.banner.empty()) return tick_.finish({true, "", std::nullopt});
        connection_->when_readable([this] { read(); });
    }

    void read() {
        std::array<char, longest_banner> chunk;
        const auto size = ::recv(connection_->socket(), chunk.data(), chunk.size(), 0);
        if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
        if (size < 0) return tick_.finish(failed(error_text(errno)));
        received_.append(chunk.data(), static_cast<std::size_t>(size));
        if (received_.find(runner_.banner) != std::string::npos) return tick_.finish({true, "", std::nullopt});
        if (size == 0 || received_.size() >= longest_banner) tick_.finish(failed("the banner lacks \"" + runner_.banner + "\""));
    }

    const TcpRunner& runner_;
    Tick& tick_;
    std::unique_ptr<Children::Child> child_;
    std::unique_ptr<Connection> connection_;
    std::string received_;
};

std::unique_ptr<Attempt> TcpRunner::begin(Tick& tick) { return std::make_unique<TcpAttempt>(*this, tick); }

}  // namespace

template <> std::unique_ptr<Runner> make_runner(const TcpProbe& probe, const Place& place, Surroundings& around) {
    return std::make_unique<TcpRunner>(probe, place, around);
}

}  // namespace blackstart
