#include <sys/socket.h>

#include <algorithm>
#include <memory>

#include "probes/children.h"
#include "probes/curl_multi.h"
#include "probes/http_request.h"
#include "probes/sockets.h"

namespace blackstart {

namespace {

constexpr std::size_t longest_header = 64 << 10;

struct ListFree {
    void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using List = std::unique_ptr<curl_slist, ListFree>;

void append(List& list, const std::string& text) { list.reset(curl_slist_append(list.release(), text.c_str())); }

class CurlRunner final : public Runner {
public:
    CurlRunner(const HttpProbe& probe, const Url& url, const Place& place_, Surroundings& around, ResponseJudge judge_)
        : multi(around.shared<CurlMulti>()),
          place(place_),
          host(url.host),
          judge(std::move(judge_)),
          probe_(probe),
          url_(url),
          sockets_(around.shared<Sockets>()),
          foreign_(sockets_.foreign(place_)) {
        for (const auto& header : probe.headers) append(headers_, header);
        const bool typed = std::any_of(probe.headers.begin(), probe.headers.end(),
                                       [](const std::string& header) { return small_letters(header).starts_with("content-type:"); });
        if (!probe.body.empty() && !typed) append(headers_, "Content-Type:");  // else libcurl calls it a form
        if (probe.resolve.empty() && !endpoint(url.host, url.port)) children = &around.shared<Children>();
    }

    std::unique_ptr<Attempt> begin(Tick& tick) override;
    void set_up(CURL* easy) const;

    // As CURLOPT_RESOLVE takes it: the name of the URL is at these addresses.
    [[nodiscard]] std::string resolution(const std::vector<std::string>& addresses) const {
        std::string text = url_.host + ":" + std::to_string(url_.port);
        for (const auto& each : addresses)
            text += (&each == addresses.data() ? ":" : ",") + (each.find(':') == std::string::npos ? each : "[" + each + "]");
        return text;
    }
    [[nodiscard]] const std::string& fixed() const { return probe_.resolve; }

    CurlMulti& multi;
    const Place place;
    const std::string host;
    const ResponseJudge judge;
    Children* children = nullptr;  // for a name

private:
    static curl_socket_t on_open(void* self, curlsocktype, curl_sockaddr* address);

    HttpProbe probe_;
    Url url_;
    const Sockets& sockets_;
    int foreign_;
    List headers_;
};

class CurlAttempt final : public Attempt, Transfer {
public:
    CurlAttempt(CurlRunner& runner, Tick& tick) : runner_(runner), tick_(tick) {
        if (runner.children != nullptr)
            lookup_ = runner.children->look_up(runner.place, runner.host, AF_UNSPEC, [this](const Lookup& lookup) { found(lookup); });
        else
            transfer(runner.fixed().empty() ? std::vector<std::string>{} : std::vector{runner.fixed()});
    }
    ~CurlAttempt() override {
        if (easy_) runner_.multi.end(std::move(easy_));
    }

private:
    void found(const Lookup& lookup) {
        if (!lookup.failure.empty()) return tick_.finish(failed(lookup.failure));
        transfer(lookup.addresses);
    }

    void transfer(const std::vector<std::string>& addresses) {
        easy_ = runner_.multi.handle();
        runner_.set_up(easy_.get());
        curl_easy_setopt(easy_.get(), CURLOPT_WRITEFUNCTION, on_body);
        curl_easy_setopt(easy_.get(), CURLOPT_WRITEDATA, this);
        curl_easy_setopt(easy_.get(), CURLOPT_HEADERFUNCTION, on_field);
        curl_easy_setopt(easy_.get(), CURLOPT_HEADERDATA, this);
        if (!addresses.empty()) append(resolve_, runner_.resolution(addresses));
        curl_easy_setopt(easy_.get(), CURLOPT_RESOLVE, resolve_.get());
        runner_.multi.begin(easy_.get(), *this);
    }

    static std::size_t on_body(char* data, std::size_t, std::size_t size, void* self) {
        auto& body = static_cast<CurlAttempt*>(self)->response_.body;
        const auto taken = std::min(size, longest_body - body.size());
        body.append(data, taken);
        return taken;  // less than size ends the transfer with CURLE_WRITE_ERROR
    }

    static std::size_t on_field(char* data, std::size_t, std::size_t size, void* self) {
        auto& fields = static_cast<CurlAttempt*>(self)->response_.fields;
        const std::string line(data, size);
        if (fields.size() + size <= longest_header)
            fields += small_letters(line.substr(0, line.find(':'))) + line.substr(std::min(line.find(':'), size));
        return size;
    }

    void done(CURLcode result) override;

    CurlRunner& runner_;
    Tick& tick_;
    std::unique_ptr<Children::Child> lookup_;
    List resolve_;
    Easy easy_;
    HttpResponse response_;
};

std::unique_ptr<Attempt> CurlRunner::begin(Tick& tick) { return std::make_unique<CurlAttempt>(*this, tick); }

void CurlRunner::set_up(CURL* easy) const {
    curl_easy_setopt(easy, CURLOPT_URL, probe_.url.c_str());
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "blackstart");
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers_.get());
    if (!probe_.body.empty()) {
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(probe_.body.size()));
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, probe_.body.data());
    }
    if (probe_.method == "HEAD")
        curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    else if (probe_.method != "GET" || !probe_.body.empty())
        curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, probe_.method.c_str());
    const long with_http2 = url_.tls ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE;
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, probe_.http2 ? with_http2 : long{CURL_HTTP_VERSION_1_1});
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, this);
    if (!probe_.insecure) return;
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
}

curl_socket_t CurlRunner::on_open(void* data, curlsocktype, curl_sockaddr* address) {
    const auto* self = static_cast<const CurlRunner*>(data);
    auto socket = self->sockets_.open(self->foreign_, address->family, address->socktype, address->protocol);
    if (!socket) return CURL_SOCKET_BAD;
    reset_on_close(socket.get());
    return socket.release();
}

std::string why_not(CURL* easy, CURLcode result) {
    long error = 0;
    curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &error);
    const bool by_system = result == CURLE_COULDNT_CONNECT || result == CURLE_RECV_ERROR || result == CURLE_SEND_ERROR;
    if (by_system && error != 0) return error_text(static_cast<int>(error));
    if (result == CURLE_GOT_NOTHING) return "connection closed without a reply";
    if (result == CURLE_PARTIAL_FILE) return "the reply was cut short";
    return small_letters(curl_easy_strerror(result));
}

void CurlAttempt::done(CURLcode result) {
    // A body that is longer than longest_body is judged by what was read.
    const bool replied = result == CURLE_OK || (result == CURLE_WRITE_ERROR && response_.body.size() == longest_body);
    if (!replied) return tick_.finish(failed(why_not(easy_.get(), result)));
    long status = 0;
    curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &status);
    response_.status = static_cast<int>(status);
    tick_.finish(runner_.judge(response_));
}

}  // namespace

std::unique_ptr<Runner> make_curl_runner(const HttpProbe& probe, const Url& url, const Place& place, Surroundings& around,
                                         ResponseJudge judge) {
    return std::make_unique<CurlRunner>(probe, url, place, around, std::move(judge));
}

}  // namespace blackstart
