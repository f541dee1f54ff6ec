#include "probes/http_reply.h"

#include <algorithm>
#include <charconv>

#include "probes/sockets.h"

namespace blackstart {

namespace {

constexpr std::size_t longest_header = 256 * 1024;  // the status line, header and trailer of all parts; as libcurl has it at least

std::string_view trimmed(std::string_view text) {
    const auto begin = text.find_first_not_of(" \t");
    if (begin == std::string_view::npos) return {};
    return text.substr(begin, text.find_last_not_of(" \t") + 1 - begin);
}

// False for anything but digits of that base.
bool read_number(std::string_view text, std::uint64_t& number, int base) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
    return error == std::errc{} && end == text.data() + text.size();
}

}  // namespace

HttpReply::State HttpReply::take(std::string_view bytes) {
    begun_ = begun_ || !bytes.empty();
    while (!bytes.empty() && part_ != Part::complete && part_ != Part::broken) {
        if (part_ == Part::sized_body || part_ == Part::body_until_close || part_ == Part::chunk) {
            bytes.remove_prefix(take_body(bytes));
            continue;
        }
        const auto end = bytes.find('\n');
        const auto piece = bytes.substr(0, end);
        line_ += piece;
        header_size_ += piece.size() + 1;
        if (header_size_ > longest_header) part_ = Part::broken;
        if (end == std::string_view::npos) break;
        bytes.remove_prefix(end + 1);
        if (line_.ends_with('\r')) line_.pop_back();
        if (part_ != Part::broken) take_line(line_);
        line_.clear();
    }
    if (part_ == Part::broken) return State::broken;
    return part_ == Part::complete ? State::complete : State::more;
}

HttpReply::State HttpReply::close() {
    if (part_ == Part::body_until_close) part_ = Part::complete;
    return part_ == Part::complete ? State::complete : State::broken;
}

void HttpReply::take_line(std::string_view line) {
    switch (part_) {
        case Part::status_line:
            return take_status(line);
        case Part::header:
            return line.empty() ? begin_body() : take_header(line);
        case Part::chunk_size:
            return take_chunk_size(line);
        case Part::chunk_end:
            part_ = line.empty() ? Part::chunk_size : Part::broken;
            return;
        case Part::trailer:
            if (line.empty()) part_ = Part::complete;
            return;
        default:
            return;
    }
}

void HttpReply::take_status(std::string_view line) {
    // "HTTP/1.1 200 OK"; the reason may be absent.
    std::uint64_t status = 0;
    const bool fits = line.starts_with("HTTP/1.") && line.size() >= 12 && line[8] == ' ' && (line.size() == 12 || line[12] == ' ') &&
                      read_number(line.substr(9, 3), status, 10);
    part_ = fits ? Part::header : Part::broken;
    status_ = static_cast<int>(status);
    chunked_ = sized_ = false;
}

void HttpReply::take_header(std::string_view line) {
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) return;  // nothing that says where the body ends
    const auto name = small_letters(std::string(line.substr(0, colon)));
    const auto value = trimmed(line.substr(colon + 1));
    if (name == "transfer-encoding") chunked_ = small_letters(std::string(value)).ends_with("chunked");
    if (name == "content-length") {
        sized_ = true;
        if (!read_number(value, left_, 10)) part_ = Part::broken;
    }
}

// RFC 9112 §6.3.
void HttpReply::begin_body() {
    if (status_ / 100 == 1 && status_ != 101) {
        part_ = Part::status_line;  // an interim reply: the real one follows
    } else if (to_head_ || status_ == 101 || status_ == 204 || status_ == 304) {
        part_ = Part::complete;
    } else if (chunked_) {
        part_ = Part::chunk_size;
    } else if (sized_) {
        part_ = left_ == 0 ? Part::complete : Part::sized_body;
    } else {
        part_ = Part::body_until_close;
    }
}

void HttpReply::take_chunk_size(std::string_view line) {
    if (!read_number(trimmed(line.substr(0, line.find(';'))), left_, 16))
        part_ = Part::broken;
    else
        part_ = left_ == 0 ? Part::trailer : Part::chunk;
}

std::size_t HttpReply::take_body(std::string_view bytes) {
    const bool counted = part_ != Part::body_until_close;
    const auto size = counted ? static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), left_)) : bytes.size();
    body_.append(bytes.substr(0, std::min(size, longest_body - body_.size())));
    if (counted) left_ -= size;
    if (body_.size() == longest_body || (left_ == 0 && part_ == Part::sized_body))
        part_ = Part::complete;
    else if (left_ == 0 && part_ == Part::chunk)
        part_ = Part::chunk_end;
    return size;
}

}  // namespace blackstart
