#include "injector/health.h"

#include <algorithm>
#include <cctype>

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
        "result", {{"timeout", timeout}, {"reset", reset}, {"pass", pass}, {"not-serving", not_serving}, {"slow", slow}});
    return {"RESULT",
            Shape::scalar,
            false,
            [word](const Datum& datum, Complaints& complaints) -> std::optional<Shown> {
                if (datum.type == Datum::Type::integer) {
                    const auto read = shown_status().read(datum, complaints);
                    if (!read) return std::nullopt;
                    return Shown{status, *read};
                }
                if (datum.type != Datum::Type::text) {
                    complaints.error(datum.place, "expected a status code, 'timeout', 'reset', 'slow', 'pass' or 'not-serving', not " +
                                                      described(datum));
                    return std::nullopt;
                }
                const auto read = word.read(datum, complaints);
                if (!read) return std::nullopt;
                return Shown{*read, 0};
            },
            {},
            word.words};
}

Type<HealthFault::Protocol> protocol() {
    using enum HealthFault::Protocol;
    return type::choice<HealthFault::Protocol>("protocol", {{"http", http},
                                                            {"http2", http2},
                                                            {"grpc", grpc},
                                                            {"tcp", tcp},
                                                            {"redis", redis},
                                                            {"postgresql", postgresql},
                                                            {"mysql", mysql},
                                                            {"agent-check", agent_check},
                                                            {"dns", dns},
                                                            {"exec", exec}});
}

}  // namespace

template <> void describe(Keys& keys, HealthFault& fault) {
    keys.about = "Make health checks lie: the answer to a check is changed in flight, and nothing else on the port is.";
    keys.example = "blackstart inject health --port 8080 --path /healthz --result 503 --for 30s";
    keys.add("port", type::list(type::port()), fault.ports).says("port of the checked service; all but exec need it");
    keys.add("path", type::matching("PATH", path_fault), fault.path).otherwise("every path").says("whole path; a last * makes it a prefix");
    keys.add("agent", type::text("PATTERN"), fault.agent).otherwise("any").says("User-Agent; a last * makes it a prefix");
    keys.add("from", type::list(type::network()), fault.from).otherwise("any").says("address or CIDR of the checkers");
    keys.add("protocol", protocol(), fault.protocol)
        .otherwise("http")
        .says("http, http2, grpc, tcp, redis, postgresql, mysql, agent-check, dns or exec");
    keys.on("sni", type::in_ace(type::text("NAME")),
            [&fault](std::string name) {
                std::ranges::transform(name, name.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
                fault.sni = std::move(name);
            })
        .says("server name of checks under TLS; *.NAME: those below");
    keys.add("query", type::in_ace(type::text("NAME")), fault.query).otherwise("a.root-servers.net").says("name that a dns check asks for");
    keys.add("exe", type::text("PATH"), fault.exe).says("program that an exec check starts, as it is started");
    keys.on("result", result(),
            [&fault](const Shown& shown) {
                fault.result = shown.result;
                if (shown.result == HealthFault::Result::status) fault.status = shown.status;
            })
        .need()
        .says("status CODE (http; http2: 200, 206, 400, 404, 500), timeout, reset, slow, pass or not-serving");
    keys.add("delay", type::duration(), fault.delay).says("how much later a slow check is answered");
}

}  // namespace blackstart
