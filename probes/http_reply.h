// Inside probes/: an HTTP/1.x reply as it arrives, RFC 9112.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "probes/http_request.h"

namespace blackstart {

class HttpReply {
public:
    enum class State { more, complete, broken };

    // The reply to HEAD ends with its header.
    explicit HttpReply(bool to_head) : to_head_(to_head) {}

    // Takes the next bytes. Complete: the whole reply is in, or as much of its body as is read (longest_body).
    State take(std::string_view bytes);
    // The server has closed the connection.
    State close();

    [[nodiscard]] bool begun() const { return begun_; }
    [[nodiscard]] int status() const { return status_; }
    [[nodiscard]] const std::string& body() const { return body_; }

private:
    enum class Part { status_line, header, sized_body, body_until_close, chunk_size, chunk, chunk_end, trailer, complete, broken };

    void take_line(std::string_view line);
    void take_status(std::string_view line);
    void take_header(std::string_view line);
    void take_chunk_size(std::string_view line);
    void begin_body();
    std::size_t take_body(std::string_view bytes);

    bool to_head_, begun_ = false, chunked_ = false, sized_ = false;
    Part part_ = Part::status_line;
    int status_ = 0;
    std::uint64_t left_ = 0;  // of the body or the chunk
    std::size_t header_size_ = 0;
    std::string line_, body_;
};

}  // namespace blackstart
