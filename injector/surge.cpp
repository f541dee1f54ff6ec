#include "injector/surge.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <memory>
#include <set>
#include <utility>

#include "injector/draw.h"
#include "injector/kernel/error.h"
#include "injector/kernel/lease.h"
#include "injector/kernel/netns.h"
#include "injector/kernel/quiet_thread.h"
#include "injector/kernel/route.h"
#include "injector/kinds.h"
#include "injector/names.h"
#include "injector/packet_injection.h"
#include "injector/prefix.h"

namespace blackstart {
namespace {

constexpr std::size_t kMostInFlight = 4096;
constexpr long kPatienceMs = 5000;
constexpr std::uint64_t kTooLate = 1'000'000'000;  // ns

struct Destination {
    std::string host;  // without brackets
    std::string port;
};

Destination destination(const std::string& text) {
    const std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> url(curl_url(), curl_url_cleanup);
    if (curl_url_set(url.get(), CURLUPART_URL, text.c_str(), 0) != CURLUE_OK) throw Misuse("surge: '" + text + "' is not a URL");
    const auto part = [&](CURLUPart which) {
        char* value = nullptr;
        curl_url_get(url.get(), which, &value, CURLU_DEFAULT_PORT);
        const std::unique_ptr<char, decltype(&curl_free)> owned(value, &curl_free);
        return std::string(value == nullptr ? "" : value);
    };
    if (const auto scheme = part(CURLUPART_SCHEME); scheme != "http" && scheme != "https")
        throw Misuse("surge: '" + text + "' begins with neither http:// nor https://");
    auto host = part(CURLUPART_HOST);
    if (host.starts_with('[')) host = host.substr(1, host.size() - 2);
    return {std::move(host), part(CURLUPART_PORT)};
}

std::string text_of(const Prefix& address) {
    char text[INET6_ADDRSTRLEN] = "";
    ::inet_ntop(address.v4() ? AF_INET : AF_INET6, address.address.data() + (address.v4() ? 12 : 0), text, sizeof text);
    return text;
}

// Law 6 of a load: it goes where it was meant to go.
void refuse_foreign(const SurgeFault& fault, const Target& target, const Prefix& address) {
    for (const auto& network : fault.to)
        if (const auto prefix = parse_prefix(network); prefix && within(address, *prefix)) return;
    const auto route = route_to(target.netns.get(), address.address);
    const auto of_target = [&](const Interface& interface) { return interface.index == static_cast<int>(route->interface); };
    if (!route) throw Unfit("there is no route to " + text_of(address), "give the target's namespace one, or load another address");
    if (route->local || (!route->gateway && std::ranges::any_of(target.interfaces, of_target))) return;
    throw Unfit(text_of(address) + (route->gateway ? " lies behind a router" : " is on no network of the target's interfaces") +
                    ": a surge stays on the target's own networks",
                "if it is yours to load, name it or its network with to (--to)");
}

// The addresses of the URL's name, each of them within the scope, as CURLOPT_RESOLVE takes them; "" for an address.
std::string resolution(const SurgeFault& fault, const Target& target) {
    const auto [host, port] = destination(fault.url);
    const auto numeric = parse_prefix(host);
    std::string list;
    for (const auto& address : numeric ? std::vector{*numeric} : resolve_name(target, host)) {
        refuse_foreign(fault, target, address);
        list += (list.empty() ? "" : ",") + (address.v4() ? text_of(address) : "[" + text_of(address) + "]");
    }
    return numeric ? "" : host + ":" + port + ":" + list;
}

// Descriptors for so many connections beside everything else, as far as the hard limit allows; returns for how many there are.
std::size_t allow_connections() {
    constexpr rlim_t reserved = 512;
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    const rlimit raised{std::min<rlim_t>(limit.rlim_max, std::max<rlim_t>(limit.rlim_cur, kMostInFlight + reserved)), limit.rlim_max};
    if (::setrlimit(RLIMIT_NOFILE, &raised) == 0) limit = raised;
    return std::clamp<std::size_t>(limit.rlim_cur > reserved ? limit.rlim_cur - reserved : 64, 64, kMostInFlight);
}

struct EasyFree {
    void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
using Easy = std::unique_ptr<CURL, EasyFree>;

// No TIME_WAIT is left that would use up the ports.
curl_socket_t open_socket(void*, curlsocktype, curl_sockaddr* address) {
    const int fd = ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    const linger reset{1, 0};
    if (fd >= 0) ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    return fd < 0 ? CURL_SOCKET_BAD : fd;
}

std::size_t discard(char*, std::size_t size, std::size_t count, void*) { return size * count; }

class Surge final : public Injection {
public:
    Surge(const SurgeFault& fault, const Target& target, const Terms& terms)
        : fault_(fault), terms_(terms), resolution_(resolution(fault, target)), most_(allow_connections()) {
        kernel_terms(terms, {});  // the terms that cannot be
        if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK || (multi_ = curl_multi_init()) == nullptr)
            throw Unfit("libcurl does not start", "reinstall libcurl4");
        if (!resolution_.empty()) list_ = curl_slist_append(nullptr, resolution_.c_str());
    }
    ~Surge() override {
        Surge::disarm();
        curl_multi_cleanup(multi_);
        curl_slist_free_all(list_);
    }

    // The thread is in the target's namespace until the fault ends.
    void arm(const Target& target) override {
        lease_.arm(control_, terms_.duration, terms_.lease);
        begun_ = control_.armed_ns;
        const auto netns = std::make_shared<unique_fd>(::fcntl(target.netns.get(), F_DUPFD_CLOEXEC, 0));
        thread_ = quiet_thread([this, netns] { work(netns->get()); });
    }
    void disarm() override {
        lease_.end();
        ending_ = true;
        curl_multi_wakeup(multi_);
        if (thread_.joinable()) thread_.join();
    }
    bool renew() override { return lease_.renew(); }
    [[nodiscard]] Tally tally() const override {
        return {.matched = due_, .hits = sent_, .unseen = unsent_, .dropped = dropped_, .lapsed = lease_.lapsed() || lapsed_};
    }
    [[nodiscard]] std::string how() const override { return SurgeFault::way; }
    void footprint(Footprint&) const override {}

private:
    void work(int netns);
    void issue(std::uint64_t now);
    void begin();
    void end(CURL* easy);
    static int on_request(void* self, char*, char*, int, int) {
        static_cast<Surge*>(self)->sent_++;
        return CURL_PREREQFUNC_OK;
    }
    void reap();
    [[nodiscard]] bool in_turn(std::uint64_t number, std::uint64_t now) const;
    [[nodiscard]] std::uint64_t due_ns(std::uint64_t number) const { return begun_ + number * 1'000'000'000 / fault_.rate; }

    const SurgeFault fault_;
    const Terms terms_;
    const std::string resolution_;
    const std::size_t most_;
    ::control control_{};
    Lease lease_;
    std::uint64_t begun_ = 0;
    CURLM* multi_ = nullptr;
    curl_slist* list_ = nullptr;
    std::vector<Easy> idle_;
    std::set<CURL*> in_flight_;
    std::atomic<std::uint64_t> due_ = 0, sent_ = 0, unsent_ = 0, dropped_ = 0;
    std::atomic<bool> ending_ = false, lapsed_ = false;
    std::thread thread_;
};

void Surge::work(int netns) {
    const InNetns there(netns);
    constexpr int longest_ms = 50;
    while (!ending_) {
        const auto now = monotonic_ns();
        const bool over = now >= control_.ends_ns;
        // Law 2: a process that was stopped for longer than its lease sends nothing any more.
        if (!over && now >= std::atomic_ref(control_.lease_ns).load(std::memory_order_acquire)) lapsed_ = true;
        if (!over && !lapsed_) issue(now);
        int running = 0;
        curl_multi_perform(multi_, &running);
        reap();
        const auto next = due_ns(due_);
        const auto left = over || lapsed_ ? longest_ms : next > now ? static_cast<int>((next - now) / 1'000'000) : 0;
        curl_multi_poll(multi_, nullptr, 0, std::clamp(left, 1, longest_ms), nullptr);
    }
    while (!in_flight_.empty()) end(*in_flight_.begin());
}

// The draw of a share and the turn of a cycle, as the programs in the kernel have them (terms.bpf.h).
bool Surge::in_turn(std::uint64_t number, std::uint64_t now) const {
    return round_of(terms_, now - begun_) && blackstart::in_turn(terms_, number) && drawn(terms_, number);
}

void Surge::issue(std::uint64_t now) {
    for (auto at = due_ns(due_); at <= now && at < control_.ends_ns; at = due_ns(due_)) {
        const auto number = due_.fetch_add(1);
        if (!in_turn(number, now)) continue;
        if (now - at > kTooLate || in_flight_.size() >= most_)
            dropped_++;
        else
            begin();
    }
}

void Surge::begin() {
    Easy easy;
    if (idle_.empty()) {
        easy.reset(curl_easy_init());
        if (!easy) {
            unsent_++;
            return;
        }
        curl_easy_setopt(easy.get(), CURLOPT_URL, fault_.url.c_str());
        curl_easy_setopt(easy.get(), CURLOPT_RESOLVE, list_);
        curl_easy_setopt(easy.get(), CURLOPT_USERAGENT, "blackstart-surge");
        curl_easy_setopt(easy.get(), CURLOPT_NOSIGNAL, 1L);
        curl_easy_setopt(easy.get(), CURLOPT_PROXY, "");
        curl_easy_setopt(easy.get(), CURLOPT_FRESH_CONNECT, 1L);
        curl_easy_setopt(easy.get(), CURLOPT_FORBID_REUSE, 1L);
        curl_easy_setopt(easy.get(), CURLOPT_TIMEOUT_MS, kPatienceMs);
        curl_easy_setopt(easy.get(), CURLOPT_SSL_VERIFYPEER, 0L);
        curl_easy_setopt(easy.get(), CURLOPT_SSL_VERIFYHOST, 0L);
        curl_easy_setopt(easy.get(), CURLOPT_OPENSOCKETFUNCTION, open_socket);
        curl_easy_setopt(easy.get(), CURLOPT_PREREQFUNCTION, on_request);
        curl_easy_setopt(easy.get(), CURLOPT_PREREQDATA, this);
        curl_easy_setopt(easy.get(), CURLOPT_WRITEFUNCTION, discard);
    } else {
        easy = std::move(idle_.back());
        idle_.pop_back();
    }
    curl_multi_add_handle(multi_, easy.get());
    in_flight_.insert(easy.release());
}

void Surge::end(CURL* easy) {
    long size = 0;
    curl_easy_getinfo(easy, CURLINFO_REQUEST_SIZE, &size);
    if (size == 0) unsent_++;
    curl_multi_remove_handle(multi_, easy);
    in_flight_.erase(easy);
    idle_.emplace_back(easy);
}

void Surge::reap() {
    int left = 0;
    while (const auto* message = curl_multi_info_read(multi_, &left))
        if (message->msg == CURLMSG_DONE) end(message->easy_handle);
}

}  // namespace

void check(const SurgeFault& fault) {
    destination(fault.url);
    if (fault.rate < 1 || fault.rate > SurgeFault::most)
        throw Misuse("surge: rate: from 1 to " + std::to_string(SurgeFault::most) + " requests a second");
    for (const auto& network : fault.to)
        if (!parse_prefix(network)) throw Misuse("surge: '" + network + "' is neither an address nor a CIDR");
}

template <> std::optional<Refusal> unsupported_kind(const SurgeFault&) { return std::nullopt; }

template <> std::unique_ptr<Injection> prepare_kind(const SurgeFault& fault, const Target& target, const Terms& terms) {
    check(fault);
    if (target.cgroup.id != 0) throw Misuse("surge: the load comes from this process: it takes no cgroup");
    return std::make_unique<Surge>(fault, target, terms);
}

}  // namespace blackstart
