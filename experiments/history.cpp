// Writing a history: lines are put together by hand, since this runs beside the probes, thousands of times a second.
#include "experiments/history.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>

#include "injector/kernel/error.h"
#include "injector/kernel/unique_fd.h"

namespace blackstart {
namespace {

using Buffer = fmt::memory_buffer;

constexpr std::size_t batch_bytes = 64 * 1024;
constexpr Time batch_time = std::chrono::milliseconds(100);

template <class... Args> void print(Buffer& out, fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(out), format, std::forward<Args>(args)...);
}

bool plain(std::string_view text) {
    for (const char c : text) {
        if (c < ' ' || c > '~' || c == '"' || c == '\\') return false;
    }
    return true;
}

void quoted(Buffer& out, const std::string& text) {
    if (plain(text)) {
        print(out, "\"{}\"", text);
    } else {
        const std::string escaped = nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
        out.append(escaped.data(), escaped.data() + escaped.size());
    }
}

void member(Buffer& out, std::string_view key, const std::string& text) {
    print(out, ",\"{}\":", key);
    quoted(out, text);
}

void member(Buffer& out, std::string_view key, const std::vector<std::string>& texts) {
    print(out, ",\"{}\":[", key);
    for (std::size_t i = 0; i < texts.size(); i++) {
        if (i > 0) out.push_back(',');
        quoted(out, texts[i]);
    }
    out.push_back(']');
}

void member(Buffer& out, std::string_view key, bool value) { print(out, ",\"{}\":{}", key, value); }
void member(Buffer& out, std::string_view key, std::uint64_t value) { print(out, ",\"{}\":{}", key, value); }
void member(Buffer& out, std::string_view key, int value) { print(out, ",\"{}\":{}", key, value); }

void member(Buffer& out, std::string_view key, double value) {
    if (std::isfinite(value)) {
        print(out, ",\"{}\":{}", key, value);  // the shortest text that reads back as the same number, in any locale
    } else {
        print(out, ",\"{}\":\"{}\"", key, value);  // JSON has no such number
    }
}

void members(Buffer&, const event::Started&) {}
void members(Buffer&, const event::T0&) {}
void members(Buffer&, const event::Ended&) {}

void members(Buffer& out, const event::Armed& e) {
    member(out, "fault", e.fault);
    member(out, "target", e.target);
    member(out, "how", e.how);
}

void members(Buffer& out, const event::Disarmed& e) {
    member(out, "fault", e.fault);
    member(out, "target", e.target);
    member(out, "matched", e.tally.matched);
    member(out, "hits", e.tally.hits);
    member(out, "unseen", e.tally.unseen);
    member(out, "dropped", e.tally.dropped);
    member(out, "lapsed", e.tally.lapsed);
    if (e.tally.encrypted > 0) member(out, "encrypted", e.tally.encrypted);
    if (e.tally.delay)
        print(out, R"(,"delay":{{"packets":{},"p50_ns":{},"p99_ns":{},"max_ns":{}}})", e.tally.delay->packets, e.tally.delay->p50_ns,
              e.tally.delay->p99_ns, e.tally.delay->max_ns);
    if (e.own_probe_hits) member(out, "own_probe_hits", *e.own_probe_hits);
}

void members(Buffer& out, const event::Lost& e) {
    member(out, "fault", e.fault);
    member(out, "target", e.target);
    member(out, "why", e.why);
}

void members(Buffer& out, const event::Observed& e) {
    member(out, "probe", e.probe);
    member(out, "ok", e.ok);
    if (!e.why.empty()) member(out, "why", e.why);
    print(out, ",\"latency\":{}", e.latency.count());
    if (e.value) std::visit([&](const auto& value) { member(out, "value", value); }, *e.value);
}

void members(Buffer& out, const event::Counted& e) {
    member(out, "meter", e.meter);
    member(out, "count", e.count);
    print(out, ",\"length\":{}", e.length.count());
}

void members(Buffer& out, const event::Service& e) {
    member(out, "name", e.name);
    member(out, "what", e.what);
}

void members(Buffer& out, const event::Tripped& e) {
    member(out, "probe", e.probe);
    member(out, "why", e.why);
}

void members(Buffer& out, const event::Unsteady& e) { member(out, "why", e.why); }
void members(Buffer& out, const event::Interrupted& e) { member(out, "signal", e.signal); }

void members(Buffer& out, const event::Restored& e) {
    member(out, "whole", e.whole);
    member(out, "left", e.left);
}

void write_head(Buffer& out, const History& head) {
    print(out, "{{\"format\":\"{}\"", history_format);
    member(out, "version", head.version);
    member(out, "experiment", head.experiment);
    member(out, "seed", head.seed);
    member(out, "origin", head.origin);
    member(out, "file", head.file);
    print(out, "}}\n");
}

void write_event(Buffer& out, const Event& event) {
    std::visit(
        [&](const auto& kind) {
            print(out, "{{\"t\":{},\"event\":\"{}\"", event.t.count(), kind.kind);
            members(out, kind);
            print(out, "}}\n");
        },
        event.kind);
}

Time now() { return std::chrono::steady_clock::now().time_since_epoch(); }

}  // namespace

struct Recorder::Impl {
    std::string path;
    unique_fd file;
    Buffer lines;
    Time written{0};  // when, by the monotonic clock
    std::string failure;

    void write() {
        const char* from = lines.data();
        std::size_t left = failure.empty() ? lines.size() : 0;
        while (left > 0) {
            const ssize_t n = ::write(file.get(), from, left);
            if (n < 0 && errno == EINTR) continue;
            if (n <= 0) {
                failure = fmt::format("{}: {}", path, n < 0 ? std::strerror(errno) : "nothing could be written");
                break;
            }
            from += n;
            left -= static_cast<std::size_t>(n);
        }
        lines.clear();
        written = now();
    }
};

Recorder::Recorder(const std::filesystem::path& file, const History& head) : impl_(std::make_unique<Impl>()) {
    impl_->path = file.string();
    impl_->file = unique_fd(::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0644));
    if (!impl_->file) throw Misuse(fmt::format("{}: {}", file.string(), std::strerror(errno)));
    write_head(impl_->lines, head);
    impl_->write();
}

Recorder::~Recorder() { flush(); }

void Recorder::record(const Event& event) {
    write_event(impl_->lines, event);
    const bool may_wait = std::holds_alternative<event::Observed>(event.kind);
    if (!may_wait || impl_->lines.size() >= batch_bytes || now() - impl_->written >= batch_time) impl_->write();
}

void Recorder::flush() {
    if (impl_->lines.size() > 0) impl_->write();
}

const std::string& Recorder::failure() const { return impl_->failure; }

}  // namespace blackstart
