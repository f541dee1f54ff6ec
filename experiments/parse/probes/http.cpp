#include "probes/http.h"

#include <algorithm>
#include <cctype>

#include "experiments/parse/probes.h"

namespace blackstart {
namespace {

std::string method_fault(const std::string& method) {
    const bool upper = std::ranges::all_of(method, [](unsigned char c) { return std::isupper(c) || c == '-'; });
    return upper ? "" : "'" + method + "' is no method: capital letters, as in GET";
}

std::string header_fault(const std::string& header) {
    const auto colon = header.find(':');
    const auto name = header.substr(0, colon);
    const bool token = !name.empty() && std::ranges::all_of(name, [](unsigned char c) { return c > ' ' && c < 0x7f; });
    if (colon == std::string::npos || !token) return "expected a header such as \"Host: web.test\", not '" + header + "'";
    return header.find_first_of("\r\n") == std::string::npos ? "" : "a header is one line";
}

// "Name: value" each, or a table of them: { Host = "web.test" }.
Type<std::vector<std::string>> headers() {
    auto lines = type::list(type::matching("HEADER", header_fault));
    lines.read = [read = lines.read](const Datum& datum, Complaints& complaints) -> std::optional<std::vector<std::string>> {
        if (datum.type != Datum::Type::table || datum.table.empty()) return read(datum, complaints);
        Datum list;
        list.type = Datum::Type::list;
        list.place = datum.place;
        for (const auto& [name, place, value] : datum.table) {
            if (value.type != Datum::Type::text) complaints.error(value.place, name + ": expected a text, not " + described(value));
            list.list.push_back(value);
            list.list.back().type = Datum::Type::text;
            list.list.back().text = name + ": " + value.text;
        }
        return read(list, complaints);
    };
    return lines;
}

// An address, or HOST:PORT:ADDRESS as curl writes it, for the host and port of the URL.
void read_resolve(HttpProbe& probe, const Keys& all, Complaints& complaints) {
    const auto* given = all.given("resolve");
    if (given == nullptr || !all.right("url") || !all.right("resolve") || address_fault(probe.resolve).empty()) return;
    const bool tls = probe.url.starts_with("https://");
    auto place = probe.url.substr(probe.url.find("://") + 3);
    place.resize(std::min(place.find_first_of("/?#"), place.size()));
    if (place.rfind(':') == std::string::npos || place.ends_with(']')) place += tls ? ":443" : ":80";
    const bool fits = probe.resolve.starts_with(place + ":");
    auto address = fits ? probe.resolve.substr(place.size() + 1) : "";
    if (address.starts_with('[') && address.ends_with(']')) address = address.substr(1, address.size() - 2);
    if (fits && address_fault(address).empty())
        probe.resolve = address;
    else
        complaints.error(given->place, "resolve: expected an address, or '" + place + ":ADDRESS', not '" + probe.resolve + "'");
}

}  // namespace

template <> void describe_probe(Keys& keys, HttpProbe& probe) {
    keys.about = "One HTTP request, on a connection of its own.";
    keys.add("url", type::url(), probe.url).need().says("what is asked for");
    keys.add("method", type::matching("METHOD", method_fault), probe.method).otherwise("GET").says("request method");
    keys.add("headers", headers(), probe.headers).says("\"Name: value\" each, or a table of them");
    keys.add("body", type::text(), probe.body).says("what is sent");
    keys.add("http2", type::flag(), probe.http2).says("HTTP/2: prior knowledge in clear, ALPN under TLS");
    keys.add("insecure", type::flag(), probe.insecure).says("accept any certificate");
    keys.add("resolve", type::text("ADDRESS"), probe.resolve).says("connect there instead of resolving the URL's host");
    keys.add("value", extract(), probe.value).says("taken out of the body");
    keys.nested("expect",
                [&probe](Keys& expect) {
                    expect.add("status", type::list(type::whole<int>(100, 599, "STATUS")), probe.status)
                        .otherwise("any 2xx")
                        .says("status, or several");
                    expect.add("body", type::text(), probe.contains).says("a text that the body contains");
                })
        .says("what makes one observation ok");
    keys.check([&probe](const Keys& all, const Place&, Complaints& complaints) { read_resolve(probe, all, complaints); });
}

}  // namespace blackstart
