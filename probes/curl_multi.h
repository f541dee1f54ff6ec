// Inside probes/: libcurl's transfers on our loop.
#pragma once

#include <curl/curl.h>

#include <memory>
#include <vector>

#include "probes/runner.h"

namespace blackstart {

class Transfer {
public:
    // In the loop, not inside libcurl: the transfer may be removed. Not called any more after that.
    virtual void done(CURLcode result) = 0;

protected:
    ~Transfer() = default;
};

struct EasyFree {
    void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
using Easy = std::unique_ptr<CURL, EasyFree>;

class CurlMulti {
public:
    explicit CurlMulti(Surroundings& around);
    ~CurlMulti();
    CurlMulti(const CurlMulti&) = delete;
    CurlMulti& operator=(const CurlMulti&) = delete;

    // A handle with what all transfers have in common: a connection of its own, no proxy, no time limit of libcurl's. Handles are
    // shared by all probes, for one each would be 10 KiB apiece that no cache holds when its probe's turn comes.
    Easy handle();
    // Begins a transfer. The handle's CURLOPT_PRIVATE is taken.
    void begin(CURL* easy, Transfer& transfer);
    // Ends it, finished or not, and closes its connection.
    void end(Easy easy);

private:
    static int on_socket(CURL* easy, curl_socket_t fd, int what, void* self, void*);
    static int on_timer(CURLM* multi, long milliseconds, void* self);
    void watch(curl_socket_t fd, int what);
    void act(curl_socket_t fd, int events);

    Loop& loop_;
    CURLM* multi_;
    Loop::Source timer_;
    std::vector<Easy> idle_;
    std::vector<Loop::Source> sources_;  // by descriptor
};

}  // namespace blackstart
