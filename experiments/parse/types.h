// The types of keys: how a value is read and checked. Small parts that are put together: list(port()), duration(above_zero).
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "experiments/parse/complaints.h"
#include "experiments/parse/datum.h"
#include "experiments/parse/nearest.h"

namespace blackstart {

// How the text of an option becomes a datum.
enum class Shape {
    text,    // as it is
    scalar,  // an integer if it is one, else text
    flag,    // given: true
    commas,  // a list if it holds a comma, else text
    pairs,   // key=value,key=value: a table of scalars
};
Datum datum_of(const std::string& text, Shape shape);

// A key of a table in a table, as the manual tells it.
struct KeyDoc {
    std::string name, metavar, doc, fallback;
    bool required = false;
};

template <class T> struct Type {
    std::string name;  // as help shows it: DURATION, PORT
    Shape shape = Shape::text;
    bool repeats = false;  // a list: the option may be given again
    // Complains, and returns nothing, if the value cannot be.
    std::function<std::optional<T>(const Datum&, Complaints&)> read;
    std::function<std::vector<KeyDoc>()> inner = {};  // of a table: its keys
    std::vector<std::string> words = {};              // that can be written, if they are few
};

using Duration = std::chrono::nanoseconds;

std::string upper(std::string text);  // ASCII

namespace type {

// Any text but the empty one.
Type<std::string> text(std::string name = "TEXT");
Type<std::string> matching(std::string name, std::function<std::string(const std::string&)> fault);  // fault: what is wrong, or ""
// A name of DNS in any script becomes what it is there (RFC 5891) before `type` reads it.
Type<std::string> in_ace(Type<std::string> type);
Type<bool> flag();

enum class Zero { refused, allowed };
// "250us", "250ms", "1.5s", "2m", "1h", "1d"; up to a year.
Type<Duration> duration(Zero zero = Zero::refused);
// A duration of whole seconds, or an integer: seconds.
Type<std::chrono::seconds> seconds();
// "25%", up to 100%, as 0..1.
Type<double> share(Zero zero = Zero::refused);
// 0 to 2^63 - 1, as TOML's whole numbers are.
Type<std::uint64_t> seed();
// A name that others refer to: letters, digits, '-', '_' and '.', beginning with a letter or digit.
Type<std::string> name();
// A network namespace: a name, a path, or pid:N. Whether it exists is asked where it is opened.
Type<std::string> netns();
// A command as an array, without a shell.
Type<std::vector<std::string>> argv();

Type<std::uint16_t> port();
// An IPv4 or IPv6 address, without a prefix length.
Type<std::string> address();
// An address or a CIDR.
Type<std::string> network();
// An address, a CIDR or a host name; "any".
Type<std::string> peer();
// address:port, [v6]:port or host:port.
Type<std::string> endpoint();
// An address, address:port or [v6]:port of a DNS server; no name, as it is there to resolve one.
Type<std::string> dns_server();
// The name of a host or record: letters, digits, '-', '_' and dots.
Type<std::string> dns_name();
// A, AAAA, …, or TYPE65 (RFC 3597 §5).
Type<std::uint16_t> record_type();
// http:// or https:// with a host.
Type<std::string> url();

template <class Int> Type<Int> whole(std::int64_t least, std::int64_t most, std::string name = "N") {
    return {std::move(name), Shape::scalar, false, [=](const Datum& datum, Complaints& complaints) -> std::optional<Int> {
                const bool right = datum.type == Datum::Type::integer;
                if (right && datum.integer >= least && datum.integer <= most) return static_cast<Int>(datum.integer);
                const bool open = most == std::numeric_limits<std::int64_t>::max();
                complaints.error(datum.place, "expected a whole number " +
                                                  (open ? "of at least " + std::to_string(least)
                                                        : "from " + std::to_string(least) + " to " + std::to_string(most)) +
                                                  ", not " + described(datum));
                return std::nullopt;
            }};
}

// One of a few words.
template <class T> Type<T> choice(const std::string& noun, std::vector<std::pair<std::string, T>> words) {
    std::vector<std::string> allowed;
    allowed.reserve(words.size());
    for (const auto& [word, value] : words) allowed.push_back(word);
    return {upper(noun),
            Shape::text,
            false,
            [noun, words = std::move(words), allowed](const Datum& datum, Complaints& complaints) -> std::optional<T> {
                if (datum.type == Datum::Type::text)
                    for (const auto& [word, value] : words)
                        if (word == datum.text) return value;
                if (datum.type != Datum::Type::text)
                    complaints.error(datum.place, "expected " + alternatives(allowed) + ", not " + described(datum));
                else
                    complaints.error(datum.place, "unknown " + noun + " '" + datum.text + "'" + hint(datum.text, allowed));
                return std::nullopt;
            },
            {},
            allowed};
}

// One, or an array of them: never empty.
template <class T> Type<std::vector<T>> list(Type<T> item) {
    return {item.name,
            item.shape,
            true,
            [read = item.read](const Datum& datum, Complaints& complaints) -> std::optional<std::vector<T>> {
                std::vector<T> values;
                if (datum.type != Datum::Type::list) {
                    auto value = read(datum, complaints);
                    if (!value) return std::nullopt;
                    values.push_back(std::move(*value));
                    return values;
                }
                if (datum.list.empty()) {
                    complaints.error(datum.place, "an empty array says nothing: leave the key out, or name one");
                    return std::nullopt;
                }
                for (const auto& one : datum.list)
                    if (auto value = read(one, complaints)) values.push_back(std::move(*value));
                if (values.size() != datum.list.size()) return std::nullopt;
                return values;
            },
            {},
            item.words};
}

}  // namespace type

// What is wrong with a text of that type; "" if nothing is.
std::string address_fault(const std::string& text);
std::string network_fault(const std::string& text);
std::string dns_name_fault(const std::string& name);

}  // namespace blackstart
