#include "injector/health.h"

#include <algorithm>

#include "experiments/parse/faults.h"

namespace blackstart {
namespace {

struct Shown {
    HealthFault::Result result = HealthFault::Result::status;
    std::uint16_t status = 0;
};

// Statuses without a body (RFC 9110 §15.3.5, §15.4.5) would break the framing of the answer that is rewritten.
bool can_be_shown(std::int64_t status) { return status >= 200 && status <= 599 && status != 204 && status != 304; }

Type<Shown> result() {
    using enum HealthFault::Result;
    const auto word =
        type::choice<HealthFault::Result>("result", {{"timeout", timeout}, {"reset", reset}}, {"not-serving", "slow", "pass"});
    return {"RESULT", Shape::scalar, false, [word](const Datum& datum, Complaints& complaints) -> std::optional<Shown> {
                if (datum.type == Datum::Type::integer) {
                    if (can_be_shown(datum.integer)) return Shown{status, static_cast<std::uint16_t>(datum.integer)};
                    complaints.error(datum.place, "a status is 200 to 599, without 204 and 304 (they have no body), not " +
                                                      std::to_string(datum.integer));
                    return std::nullopt;
                }
                if (datum.type != Datum::Type::text) {
                    complaints.error(datum.place, "expected a status code, 'timeout' or 'reset', not " + described(datum));
                    return std::nullopt;
                }
                const auto read = word.read(datum, complaints);
                if (!read) return std::nullopt;
                return Shown{*read, 0};
            }};
}

std::string path_fault(const std::string& path) {
    if (!path.starts_with('/')) return "a path begins with '/': did you mean '/" + path + "'?";
    if (path.find('?') != std::string::npos) return "the path ends before the query: leave out '" + path.substr(path.find('?')) + "'";
    if (std::ranges::any_of(path, [](unsigned char c) { return c <= ' ' || c == 0x7f; })) return "a path holds no blanks";
    const auto star = path.find('*');
    return star == std::string::npos || star + 1 == path.size() ? "" : "'*' stands for the rest of a path: only at its end";
}

}  // namespace

template <> void describe(Keys& keys, HealthFault& fault) {
    keys.about = "Make health checks lie: the answer to a check is changed in flight, and nothing else on the port is.";
    keys.example = "blackstart inject health --port 8080 --path /healthz --result 503 --for 30s";
    keys.add("port", type::list(type::port()), fault.ports).need().says("TCP port of the checked service");
    keys.add("path", type::matching("PATH", path_fault), fault.path).otherwise("every path").says("whole path; a last * makes it a prefix");
    keys.add("agent", type::text("PATTERN"), fault.agent).otherwise("any").says("User-Agent; a last * makes it a prefix");
    keys.add("from", type::list(type::network()), fault.from).otherwise("any").says("address or CIDR of the checkers");
    keys.add("protocol",
             type::choice<std::string>("protocol", {{"http", "http"}},
                                       {"http2", "grpc", "tcp", "redis", "postgresql", "mysql", "dns", "exec"}),
             fault.protocol)
        .otherwise("http")
        .says("what the check speaks");
    keys.on("result", result(),
            [&fault](const Shown& shown) {
                fault.result = shown.result;
                if (shown.result == HealthFault::Result::status) fault.status = shown.status;
            })
        .need()
        .says("status CODE, timeout or reset");
    keys.later({"delay", "sni", "exe"});
}

}  // namespace blackstart
