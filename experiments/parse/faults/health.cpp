#include "injector/health.h"

#include "experiments/parse/faults.h"
#include "experiments/parse/faults/answers.h"

namespace blackstart {
namespace {

struct Shown {
    HealthFault::Result result = HealthFault::Result::status;
    std::uint16_t status = 0;
};

Type<Shown> result() {
    using enum HealthFault::Result;
    const auto word = type::choice<HealthFault::Result>(
        "result", {{"timeout", timeout}, {"reset", reset}, {"pass", pass}, {"not-serving", not_serving}}, {"slow"});
    return {"RESULT", Shape::scalar, false, [word](const Datum& datum, Complaints& complaints) -> std::optional<Shown> {
                if (datum.type == Datum::Type::integer) {
                    const auto read = shown_status().read(datum, complaints);
                    if (!read) return std::nullopt;
                    return Shown{status, *read};
                }
                if (datum.type != Datum::Type::text) {
                    complaints.error(datum.place,
                                     "expected a status code, 'timeout', 'reset', 'pass' or 'not-serving', not " + described(datum));
                    return std::nullopt;
                }
                const auto read = word.read(datum, complaints);
                if (!read) return std::nullopt;
                return Shown{*read, 0};
            }};
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
             type::choice<HealthFault::Protocol>(
                 "protocol",
                 {{"http", HealthFault::Protocol::http}, {"tcp", HealthFault::Protocol::tcp}, {"redis", HealthFault::Protocol::redis}},
                 {"http2", "grpc", "postgresql", "mysql", "dns", "exec"}),
             fault.protocol)
        .otherwise("http")
        .says("what the check speaks: http, tcp or redis");
    keys.on("result", result(),
            [&fault](const Shown& shown) {
                fault.result = shown.result;
                if (shown.result == HealthFault::Result::status) fault.status = shown.status;
            })
        .need()
        .says("status CODE, timeout, reset, pass or not-serving (redis)");
    keys.later({"delay", "sni", "exe"});
}

}  // namespace blackstart
