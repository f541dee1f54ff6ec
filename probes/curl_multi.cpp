#include "probes/curl_multi.h"

#include <sys/epoll.h>

#include <new>

#include "injector/kernel/error.h"

namespace blackstart {

namespace {
constexpr std::size_t most_idle = 256;
}

CurlMulti::CurlMulti(Surroundings& around) : loop_(around.loop), multi_(nullptr) {
    static const CURLcode ready = curl_global_init(CURL_GLOBAL_DEFAULT);
    if (ready == CURLE_OK) multi_ = curl_multi_init();
    if (multi_ == nullptr) throw Unfit("libcurl does not start", "reinstall libcurl4");
    curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
    curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
}

CurlMulti::~CurlMulti() { curl_multi_cleanup(multi_); }

Easy CurlMulti::handle() {
    Easy easy;
    if (idle_.empty()) {
        easy.reset(curl_easy_init());
    } else {
        easy = std::move(idle_.back());
        idle_.pop_back();
        curl_easy_reset(easy.get());
    }
    if (!easy) throw std::bad_alloc();
    curl_easy_setopt(easy.get(), CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy.get(), CURLOPT_PROXY, "");  // and none from the environment
    curl_easy_setopt(easy.get(), CURLOPT_FRESH_CONNECT, 1L);
    curl_easy_setopt(easy.get(), CURLOPT_FORBID_REUSE, 1L);
    curl_easy_setopt(easy.get(), CURLOPT_CONNECTTIMEOUT_MS, 86'400'000L);
    // Names are looked up elsewhere, so nothing in libcurl's cache can be stale; each transfer would walk through it.
    curl_easy_setopt(easy.get(), CURLOPT_DNS_CACHE_TIMEOUT, -1L);
    // Certificates are found by their hash in the directory. The file that holds all of them takes 60 ms to read, in which no other
    // probe would have its turn.
    curl_easy_setopt(easy.get(), CURLOPT_CAINFO, nullptr);
    return easy;
}

void CurlMulti::begin(CURL* easy, Transfer& transfer) {
    curl_easy_setopt(easy, CURLOPT_PRIVATE, &transfer);
    curl_multi_add_handle(multi_, easy);  // asks for a timer at once
}

void CurlMulti::end(Easy easy) {
    curl_multi_remove_handle(multi_, easy.get());
    if (idle_.size() < most_idle) idle_.push_back(std::move(easy));
}

int CurlMulti::on_socket(CURL*, curl_socket_t fd, int what, void* self, void*) {
    try {
        static_cast<CurlMulti*>(self)->watch(fd, what);
        return 0;
    } catch (const Unfit&) {
        return -1;  // libcurl fails the transfer; it is C, and nothing may be thrown through it
    }
}

void CurlMulti::watch(curl_socket_t fd, int what) {
    const auto index = static_cast<std::size_t>(fd);
    if (sources_.size() <= index) sources_.resize(index * 2 + 16);
    auto& source = sources_[index];
    if (what == CURL_POLL_REMOVE) return source.reset();
    std::uint32_t events = 0;
    if ((what & CURL_POLL_IN) != 0) events |= EPOLLIN;
    if ((what & CURL_POLL_OUT) != 0) events |= EPOLLOUT;
    if (source) return source.want(events);
    source = loop_.io(fd, events, [this, fd](std::uint32_t ready) {
        const bool in = (ready & (EPOLLIN | EPOLLHUP)) != 0, out = (ready & EPOLLOUT) != 0, error = (ready & EPOLLERR) != 0;
        act(fd, (in ? CURL_CSELECT_IN : 0) | (out ? CURL_CSELECT_OUT : 0) | (error ? CURL_CSELECT_ERR : 0));
    });
}

int CurlMulti::on_timer(CURLM*, long milliseconds, void* data) {
    auto* self = static_cast<CurlMulti*>(data);
    self->timer_.reset();
    if (milliseconds >= 0)
        self->timer_ = self->loop_.at(Loop::now() + std::chrono::milliseconds(milliseconds), [self] { self->act(CURL_SOCKET_TIMEOUT, 0); });
    return 0;
}

void CurlMulti::act(curl_socket_t fd, int events) {
    int running = 0, left = 0;
    curl_multi_socket_action(multi_, fd, events, &running);
    while (const auto* message = curl_multi_info_read(multi_, &left)) {
        if (message->msg != CURLMSG_DONE) continue;
        const auto result = message->data.result;
        void* transfer = nullptr;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
        static_cast<Transfer*>(transfer)->done(result);
    }
}

}  // namespace blackstart
