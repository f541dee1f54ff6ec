#include "experiments/parse/types.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>

#include "injector/dns.h"
#include "injector/kernel/error.h"

namespace blackstart {
namespace {

std::optional<std::int64_t> integer(std::string_view text) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

// The number at the front of a text, "1.5" of "1.5s"; what follows is left in `text`.
std::optional<double> leading_number(std::string_view& text) {
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
    if (error != std::errc() || !std::isfinite(value)) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return value;
}

Datum scalar(const std::string& text) {
    Datum datum;
    datum.text = text;
    if (const auto number = integer(text)) datum.type = Datum::Type::integer, datum.integer = *number;
    return datum;
}

std::vector<std::string> split(const std::string& text, char at) {
    std::vector<std::string> parts(1);
    for (const char c : text)
        if (c == at)
            parts.emplace_back();
        else
            parts.back() += c;
    return parts;
}

// Reads a text through a function that returns "" or what is wrong with it.
Type<std::string> checked(std::string name, std::string wanted, std::function<std::string(const std::string&)> fault) {
    return {
        std::move(name), Shape::text, false,
        [wanted = std::move(wanted), fault = std::move(fault)](const Datum& datum, Complaints& complaints) -> std::optional<std::string> {
            std::string wrong;
            if (datum.type != Datum::Type::text || datum.text.empty())
                wrong = "expected " + wanted + ", not " + described(datum);
            else if (datum.text.find('\0') != std::string::npos)
                wrong = "a text cannot hold a zero byte";
            else
                wrong = fault(datum.text);
            if (wrong.empty()) return datum.text;
            complaints.error(datum.place, wrong);
            return std::nullopt;
        }};
}

// A word of a command: empty will do.
Type<std::string> argument() {
    return {"WORD", Shape::text, false, [](const Datum& datum, Complaints& complaints) -> std::optional<std::string> {
                if (datum.type == Datum::Type::text && datum.text.find('\0') == std::string::npos) return datum.text;
                complaints.error(datum.place, "expected a text, not " + described(datum));
                return std::nullopt;
            }};
}

constexpr const char* duration_forms = R"(a duration such as "250ms", "10s", "2m" or "1h")";

struct Unit {
    std::string_view name;
    double ns;
};
constexpr Unit units[] = {{"us", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"m", 60e9}, {"h", 3600e9}, {"d", 86400e9}};

// What is wrong with a duration's text, or its length in `out`.
std::string duration_fault(std::string_view text, type::Zero zero, Duration& out) {
    constexpr double year = 8760 * 3600e9;
    const std::string whole_text(text);
    const auto number = leading_number(text);
    if (!number) return "'" + whole_text + "' is no duration: expected " + duration_forms;
    if (std::signbit(*number)) return "a duration cannot be negative: '" + whole_text + "'";
    if (text.empty()) return "'" + whole_text + "' has no unit: did you mean '" + whole_text + "s'?";
    const auto* unit = std::ranges::find(units, text, &Unit::name);
    if (unit == std::end(units)) return "unknown unit '" + std::string(text) + "' in '" + whole_text + "': expected us, ms, s, m, h or d";
    const double ns = *number * unit->ns;
    if (ns > year) return "'" + whole_text + "' is over a year";
    out = Duration(std::llround(ns));
    if (out.count() == 0 && zero == type::Zero::refused) return "a duration of 0 does nothing: expected " + std::string(duration_forms);
    return "";
}

bool numeric_host(const std::string& text) {
    return text.find(':') != std::string::npos || text.find('/') != std::string::npos ||
           std::ranges::all_of(text, [](unsigned char c) { return std::isdigit(c) || c == '.'; });
}

// Splits "host:port", "[v6]:port"; a bare address or host leaves the port empty.
std::pair<std::string, std::string> host_and_port(const std::string& text) {
    if (text.starts_with('[')) {
        const auto close = text.find("]:");
        if (close != std::string::npos) return {text.substr(1, close - 1), text.substr(close + 2)};
        if (text.ends_with(']')) return {text.substr(1, text.size() - 2), ""};
        return {text, ""};
    }
    const auto colon = text.find(':');
    if (colon == std::string::npos || text.find(':', colon + 1) != std::string::npos) return {text, ""};
    return {text.substr(0, colon), text.substr(colon + 1)};
}

std::string host_fault(const std::string& host) { return numeric_host(host) ? address_fault(host) : dns_name_fault(host); }

std::string endpoint_fault(const std::string& text, bool port_needed) {
    const auto [host, port_text] = host_and_port(text);
    if (auto wrong = host_fault(host); !wrong.empty()) return wrong;
    const bool bare = port_text.empty() && !text.ends_with(':');
    if (bare) return port_needed ? "'" + text + "' has no port: expected address:port or [v6]:port" : "";
    const auto number = integer(port_text);
    return number && *number >= 1 && *number <= 65535 ? "" : "a port is a number from 1 to 65535, not '" + port_text + "'";
}

std::string url_fault(const std::string& text) {
    const auto scheme = text.find("://");
    const auto name = text.substr(0, scheme == std::string::npos ? 0 : scheme);
    if (name != "http" && name != "https") return "'" + text + "' is no URL: expected http://HOST/… or https://HOST/…";
    auto rest = text.substr(scheme + 3);
    rest = rest.substr(0, rest.find_first_of("/?#"));
    if (const auto at = rest.rfind('@'); at != std::string::npos) rest = rest.substr(at + 1);
    if (rest.empty()) return "'" + text + "' names no host";
    if (std::ranges::any_of(text, [](unsigned char c) { return c <= ' ' || c == 0x7f; })) return "a URL holds no blanks";
    return endpoint_fault(rest, false);
}

const std::vector<std::pair<std::string, std::uint16_t>>& record_types() {
    static const std::vector<std::pair<std::string, std::uint16_t>> types = {
        {"A", 1},      {"NS", 2},    {"CNAME", 5},  {"SOA", 6},   {"PTR", 12},   {"MX", 15},   {"TXT", 16},
        {"AAAA", 28},  {"SRV", 33},  {"DS", 43},    {"SVCB", 64}, {"HTTPS", 65}, {"CAA", 257}, {"DNSKEY", 48},
        {"NAPTR", 35}, {"ANY", 255}, {"RRSIG", 46}, {"TLSA", 52}, {"IXFR", 251}, {"AXFR", 252}};
    return types;
}

std::string netns_fault(const std::string& name) {
    if (!name.starts_with("pid:")) return "";
    const auto digits = name.substr(4);
    const bool number =
        !digits.empty() && digits.size() < 10 && std::ranges::all_of(digits, [](unsigned char c) { return std::isdigit(c); });
    return number && digits.find_first_not_of('0') != std::string::npos ? "" : "'" + name + "' is no process id: expected pid:N";
}

}  // namespace

const Entry* Datum::find(std::string_view key) const {
    const auto entry = std::ranges::find(table, key, &Entry::key);
    return entry == table.end() ? nullptr : &*entry;
}

std::string described(const Datum& datum) {
    switch (datum.type) {
        case Datum::Type::text:
            return "'" + datum.text + "'";
        case Datum::Type::integer:
            return std::to_string(datum.integer);
        case Datum::Type::real:
            return "a number with a fraction";
        case Datum::Type::flag:
            return datum.flag ? "true" : "false";
        case Datum::Type::list:
            return "an array";
        case Datum::Type::table:
            return "a table";
        case Datum::Type::moment:
            return "a date or time";
    }
    return "that";
}

std::string upper(std::string text) {
    std::ranges::transform(text, text.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    return text;
}

Datum datum_of(const std::string& text, Shape shape) {
    Datum datum;
    datum.text = text;
    if (shape == Shape::scalar) return scalar(text);
    if (shape == Shape::flag) datum.type = Datum::Type::flag, datum.flag = true;
    if (shape == Shape::commas && text.find(',') != std::string::npos) {
        datum.type = Datum::Type::list;
        for (const auto& part : split(text, ',')) datum.list.push_back(datum_of(part, Shape::text));
    }
    if (shape == Shape::pairs) {
        datum.type = Datum::Type::table;
        for (const auto& part : split(text, ',')) {
            const auto equals = part.find('=');
            datum.table.push_back({part.substr(0, equals), {}, scalar(equals == std::string::npos ? "" : part.substr(equals + 1))});
        }
    }
    return datum;
}

namespace type {

Type<std::string> text(std::string name) {
    return checked(std::move(name), "a text", [](const std::string&) { return ""; });
}

Type<std::string> in_ace(Type<std::string> type) {
    const auto read = std::move(type.read);
    type.read = [read](const Datum& datum, Complaints& complaints) -> std::optional<std::string> {
        Datum plain = datum;
        try {
            plain.text = ace(datum.text);
        } catch (const Misuse& error) {
            complaints.error(datum.place, error.what());
            return std::nullopt;
        }
        return read(plain, complaints);
    };
    return type;
}

Type<std::string> matching(std::string name, std::function<std::string(const std::string&)> fault) {
    return checked(std::move(name), "a text", std::move(fault));
}

Type<bool> flag() {
    return {"", Shape::flag, false, [](const Datum& datum, Complaints& complaints) -> std::optional<bool> {
                if (datum.type == Datum::Type::flag) return datum.flag;
                complaints.error(datum.place, "expected true or false, not " + described(datum));
                return std::nullopt;
            }};
}

Type<Duration> duration(Zero zero) {
    return {"DURATION", Shape::text, false, [zero](const Datum& datum, Complaints& complaints) -> std::optional<Duration> {
                Duration value{0};
                const std::string wrong = datum.type != Datum::Type::text
                                              ? "expected " + std::string(duration_forms) + ", not " + described(datum)
                                              : duration_fault(datum.text, zero, value);
                if (wrong.empty()) return value;
                complaints.error(datum.place, wrong);
                return std::nullopt;
            }};
}

Type<std::chrono::seconds> seconds() {
    return {"SECONDS", Shape::scalar, false, [](const Datum& datum, Complaints& complaints) -> std::optional<std::chrono::seconds> {
                constexpr std::int64_t most = 604800;
                if (datum.type == Datum::Type::integer) {
                    if (datum.integer >= 0 && datum.integer <= most) return std::chrono::seconds(datum.integer);
                    complaints.error(datum.place, "expected 0 to 604800 seconds (a week), not " + described(datum));
                    return std::nullopt;
                }
                const auto value = duration(Zero::allowed).read(datum, complaints);
                if (!value) return std::nullopt;
                const auto rounded = std::chrono::duration_cast<std::chrono::seconds>(*value);
                if (rounded == *value && rounded.count() <= most) return rounded;
                complaints.error(datum.place, "expected whole seconds, up to a week, not " + described(datum));
                return std::nullopt;
            }};
}

Type<double> share(Zero zero) {
    return {"SHARE", Shape::text, false, [zero](const Datum& datum, Complaints& complaints) -> std::optional<double> {
                std::string_view rest = datum.text;
                const auto number = datum.type == Datum::Type::text ? leading_number(rest) : std::nullopt;
                if (!number || rest != "%")
                    complaints.error(datum.place, R"(expected a share such as "25%", not )" + described(datum));
                else if (std::signbit(*number))
                    complaints.error(datum.place, "a share cannot be negative: '" + datum.text + "'");
                else if (*number <= 0 && zero == Zero::refused)
                    complaints.error(datum.place, "a share of " + datum.text + " would never act: expected above 0%, up to 100%");
                else if (*number > 100)
                    complaints.error(datum.place, "a share is at most 100%, not " + datum.text);
                else
                    return *number / 100;
                return std::nullopt;
            }};
}

Type<std::uint16_t> port() { return whole<std::uint16_t>(1, 65535, "PORT"); }
Type<std::string> address() { return checked("ADDRESS", "an IPv4 or IPv6 address", address_fault); }
Type<std::string> network() { return checked("CIDR", "an address or CIDR", network_fault); }

Type<std::string> peer() {
    return in_ace(checked("PEER", "an address, a CIDR, a host name or 'any'", [](const std::string& text) -> std::string {
        if (text == "any") return "";
        return numeric_host(text) ? network_fault(text) : dns_name_fault(text);
    }));
}

Type<std::string> endpoint() {
    return checked("ADDRESS:PORT", "address:port or [v6]:port", [](const std::string& text) { return endpoint_fault(text, true); });
}

Type<std::string> dns_server() {
    return checked("ADDRESS[:PORT]", "an address, address:port or [v6]:port", [](const std::string& text) {
        const auto wrong = address_fault(host_and_port(text).first);
        return wrong.empty() ? endpoint_fault(text, false) : wrong;
    });
}

Type<std::uint64_t> seed() { return whole<std::uint64_t>(0, std::numeric_limits<std::int64_t>::max(), "N"); }

Type<std::string> name() {
    return checked("NAME", "a name", [](const std::string& name) -> std::string {
        const auto plain = [](unsigned char c) { return std::isalnum(c) || c == '-' || c == '_' || c == '.'; };
        if (name.size() <= 64 && std::isalnum(static_cast<unsigned char>(name[0])) && std::ranges::all_of(name, plain)) return "";
        return "'" + name + "' is no name: letters, digits, '-', '_' and '.', at most 64, the first a letter or digit";
    });
}

Type<std::string> netns() { return matching("NETNS", netns_fault); }

Type<std::vector<std::string>> argv() {
    const auto words = list(argument());
    return {"ARGV", Shape::text, true, [words](const Datum& datum, Complaints& complaints) -> std::optional<std::vector<std::string>> {
                if (datum.type == Datum::Type::list) return words.read(datum, complaints);
                complaints.error(datum.place,
                                 R"(expected an array such as ["dig", "db.test"], as no shell is used, not )" + described(datum));
                return std::nullopt;
            }};
}

Type<std::string> dns_name() { return in_ace(checked("NAME", "a name", dns_name_fault)); }

Type<std::string> url() { return checked("URL", "a URL", url_fault); }

Type<std::uint16_t> record_type() {
    return {"TYPE", Shape::text, false, [](const Datum& datum, Complaints& complaints) -> std::optional<std::uint16_t> {
                if (datum.type != Datum::Type::text) {
                    complaints.error(datum.place, R"(expected a record type such as "AAAA", not )" + described(datum));
                    return std::nullopt;
                }
                const auto wanted = upper(datum.text);
                std::vector<std::string> names;
                for (const auto& [name, number] : record_types()) {
                    if (name == wanted) return number;
                    names.push_back(name);
                }
                const auto number = wanted.starts_with("TYPE") ? integer(wanted.substr(4)) : std::nullopt;
                if (number && *number >= 1 && *number <= 65535) return static_cast<std::uint16_t>(*number);
                const auto near = nearest(wanted, names);
                complaints.error(datum.place,
                                 "unknown record type '" + datum.text + "'" +
                                     (near.empty() ? "; any type can be written as TYPE65" : "; did you mean '" + near + "'?"));
                return std::nullopt;
            }};
}

}  // namespace type

std::string address_fault(const std::string& text) {
    unsigned char bytes[sizeof(in6_addr)];
    if (inet_pton(AF_INET, text.c_str(), bytes) == 1 || inet_pton(AF_INET6, text.c_str(), bytes) == 1) return "";
    const auto slash = text.find('/');
    if (slash != std::string::npos && address_fault(text.substr(0, slash)).empty())
        return "expected one address, not a network: '" + text + "'; did you mean '" + text.substr(0, slash) + "'?";
    return "'" + text + "' is no IPv4 or IPv6 address";
}

std::string network_fault(const std::string& text) {
    const auto slash = text.find('/');
    const auto host = text.substr(0, slash);
    if (auto wrong = address_fault(host); !wrong.empty()) return wrong;
    if (slash == std::string::npos) return "";
    const std::int64_t most = host.find(':') == std::string::npos ? 32 : 128;
    const auto length = integer(std::string_view(text).substr(slash + 1));
    if (length && *length >= 0 && *length <= most) return "";
    return "'" + text + "' is no network: its prefix length is from 0 to " + std::to_string(most);
}

std::string dns_name_fault(const std::string& name) {
    constexpr std::size_t longest_name = 253, longest_label = 63;  // RFC 1035 §2.3.4
    std::string rest = name;
    if (rest.ends_with('.')) rest.pop_back();
    if (rest.empty() || rest.size() > longest_name) return "'" + name + "' is no DNS name: it has 1 to 253 characters";
    for (const auto& label : split(rest, '.')) {
        if (label.empty() || label.size() > longest_label) return "'" + name + "' is no DNS name: each label has 1 to 63 characters";
        const auto plain = [](unsigned char c) { return std::isalnum(c) || c == '-' || c == '_'; };
        if (!std::ranges::all_of(label, plain)) return "'" + name + "' is no DNS name: letters, digits, '-', '_' and '.' only";
    }
    return "";
}

}  // namespace blackstart
