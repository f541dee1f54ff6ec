// Reading a history back: every line is checked, since a verdict rests on it.
#include <fmt/format.h>

#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <sstream>

#include "experiments/history.h"
#include "injector/kernel/error.h"

namespace blackstart {
namespace {

using nlohmann::json;

constexpr std::int64_t longest_ns = 1'000'000'000'000'000'000;  // 31 years: sums and differences of times cannot overflow

struct Bad : std::runtime_error {  // what is wrong with a line, without its place
    using std::runtime_error::runtime_error;
};

const json& need(const json& line, const char* key) {
    const auto found = line.find(key);
    if (found == line.end()) throw Bad(fmt::format("\"{}\" is missing", key));
    return *found;
}

std::string text(const json& line, const char* key) {
    const json& value = need(line, key);
    if (!value.is_string()) throw Bad(fmt::format("\"{}\" is not a text", key));
    return value.get<std::string>();
}

bool truth(const json& line, const char* key) {
    const json& value = need(line, key);
    if (!value.is_boolean()) throw Bad(fmt::format("\"{}\" is neither true nor false", key));
    return value.get<bool>();
}

std::int64_t integer(const json& line, const char* key, std::int64_t least, std::int64_t most) {
    const json& value = need(line, key);
    const bool fits = value.is_number_integer() &&
                      (!value.is_number_unsigned() || value.get<std::uint64_t>() <= std::numeric_limits<std::int64_t>::max());
    if (!fits || value.get<std::int64_t>() < least || value.get<std::int64_t>() > most) {
        throw Bad(fmt::format("\"{}\" is not a whole number from {} to {}", key, least, most));
    }
    return value.get<std::int64_t>();
}

std::uint64_t count(const json& line, const char* key) {
    const json& value = need(line, key);
    if (!value.is_number_unsigned()) throw Bad(fmt::format("\"{}\" is not a count", key));
    return value.get<std::uint64_t>();
}

std::vector<std::string> texts(const json& value, const char* key) {
    std::vector<std::string> result;
    for (const json& one : value) {
        if (!one.is_string()) throw Bad(fmt::format("\"{}\" holds something that is not a text", key));
        result.push_back(one.get<std::string>());
    }
    return result;
}

std::optional<Value> observed_value(const json& line) {
    const auto found = line.find("value");
    if (found == line.end() || found->is_null()) return std::nullopt;
    if (found->is_number()) return found->get<double>();
    if (found->is_string()) return found->get<std::string>();
    if (found->is_array()) return texts(*found, "value");
    throw Bad("\"value\" is neither a number, a text nor a list of texts");
}

void read(const json&, event::Started&) {}
void read(const json&, event::T0&) {}
void read(const json&, event::Ended&) {}

void read(const json& line, event::Armed& e) {
    e.fault = text(line, "fault");
    e.target = text(line, "target");
    e.how = text(line, "how");
}

void read(const json& line, event::Disarmed& e) {
    e.fault = text(line, "fault");
    e.target = text(line, "target");
    e.tally = {.matched = count(line, "matched"),
               .hits = count(line, "hits"),
               .unseen = count(line, "unseen"),
               .dropped = count(line, "dropped"),
               .lapsed = truth(line, "lapsed")};
    if (line.contains("encrypted")) e.tally.encrypted = count(line, "encrypted");
    if (line.contains("delay")) {
        const auto& delay = line["delay"];
        if (!delay.is_object()) throw Bad("\"delay\" is not an object");
        e.tally.delay = {count(delay, "packets"), count(delay, "p50_ns"), count(delay, "p99_ns"), count(delay, "max_ns")};
    }
    if (line.contains("own_probe_hits")) e.own_probe_hits = count(line, "own_probe_hits");
}

void read(const json& line, event::Lost& e) {
    e.fault = text(line, "fault");
    e.target = text(line, "target");
    e.why = text(line, "why");
}

void read(const json& line, event::Observed& e) {
    e.probe = text(line, "probe");
    e.ok = truth(line, "ok");
    if (line.contains("why")) e.why = text(line, "why");
    e.latency = std::chrono::nanoseconds(integer(line, "latency", 0, longest_ns));
    e.value = observed_value(line);
}

void read(const json& line, event::Counted& e) {
    e.meter = text(line, "meter");
    e.count = count(line, "count");
    e.length = std::chrono::nanoseconds(integer(line, "length", 0, longest_ns));
}

void read(const json& line, event::Service& e) {
    e.name = text(line, "name");
    e.what = text(line, "what");
}

void read(const json& line, event::Tripped& e) {
    e.probe = text(line, "probe");
    e.why = text(line, "why");
}

void read(const json& line, event::Unsteady& e) { e.why = text(line, "why"); }
void read(const json& line, event::Interrupted& e) { e.signal = static_cast<int>(integer(line, "signal", 1, 64)); }

void read(const json& line, event::Restored& e) {
    e.whole = truth(line, "whole");
    const json& left = need(line, "left");
    if (!left.is_array()) throw Bad("\"left\" is not a list");
    e.left = texts(left, "left");
}

// The event of that kind, or nothing: a later minor version may have kinds that this build does not know.
template <std::size_t I = 0> std::optional<EventKind> read_kind(const std::string& kind, const json& line) {
    if constexpr (I < std::variant_size_v<EventKind>) {
        using Kind = std::variant_alternative_t<I, EventKind>;
        if (kind != Kind::kind) return read_kind<I + 1>(kind, line);
        Kind event;
        read(line, event);
        return event;
    } else {
        return std::nullopt;
    }
}

json parse_line(std::string_view text) {
    json line = json::parse(text, nullptr, false);
    if (line.is_discarded()) throw Bad("not JSON");
    if (!line.is_object()) throw Bad("not a JSON object");
    return line;
}

void read_head(std::string_view text_, History& history) {
    const json line = parse_line(text_);
    const std::string format = text(line, "format");
    const std::string_view major = history_format.substr(0, history_format.rfind('.') + 1);
    if (format.compare(0, major.size(), major) != 0) {
        throw Bad(fmt::format("the format is \"{}\", and this build reads \"{}x\"", format, major));
    }
    history.version = text(line, "version");
    history.experiment = text(line, "experiment");
    history.seed = count(line, "seed");
    history.origin = text(line, "origin");
    if (line.contains("file")) history.file = text(line, "file");
}

void read_event(std::string_view text_, History& history) {
    const json line = parse_line(text_);
    const Time t(integer(line, "t", -longest_ns, longest_ns));
    if (auto kind = read_kind(text(line, "event"), line)) history.events.push_back({t, std::move(*kind)});
}

std::string contents(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    std::ostringstream all;
    if (std::filesystem::is_directory(file) || !in || !(all << in.rdbuf())) {
        throw Misuse(fmt::format("{}: there is no history that can be read", file.string()));
    }
    return std::move(all).str();
}

}  // namespace

History read_history(const std::filesystem::path& file) {
    const std::string all = contents(file);
    History history;
    std::size_t number = 1;
    for (std::size_t from = 0; from < all.size(); number++) {
        const std::size_t newline = all.find('\n', from);
        const bool whole = newline != std::string::npos;
        const std::string_view line = std::string_view(all).substr(from, whole ? newline - from : std::string::npos);
        if (!whole && number > 1 && !json::accept(line)) break;  // cut short
        try {
            number == 1 ? read_head(line, history) : read_event(line, history);
        } catch (const Bad& bad) {
            throw Misuse(fmt::format("{}:{}: {}", file.string(), number, bad.what()));
        }
        from = whole ? newline + 1 : all.size();
    }
    return history;
}

}  // namespace blackstart
