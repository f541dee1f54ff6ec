#include "probes/grpc_health.h"

#include "experiments/parse/probes.h"

namespace blackstart {
namespace {

// "" is the whole server, as in the protocol.
Type<std::string> service() {
    return {"SERVICE", Shape::text, false, [](const Datum& datum, Complaints& complaints) -> std::optional<std::string> {
                if (datum.type == Datum::Type::text) return datum.text;
                complaints.error(datum.place, "expected a text, not " + described(datum));
                return std::nullopt;
            }};
}

}  // namespace

template <> void describe_probe(Keys& keys, GrpcHealthProbe& probe) {
    keys.about = "One call of grpc.health.v1.Health/Check.";
    keys.add("address", type::endpoint(), probe.address).need().says("address:port or [v6]:port");
    keys.add("service", service(), probe.service).otherwise("the whole server").says("whose health is asked for");
    keys.add("tls", type::flag(), probe.tls).says("HTTP/2 over TLS; else in clear");
    keys.add("insecure", type::flag(), probe.insecure).says("accept any certificate");
    keys.nested("expect",
                [&probe](Keys& expect) {
                    expect
                        .add("status",
                             type::choice<std::string>("status", {{"serving", "serving"},
                                                                  {"not-serving", "not-serving"},
                                                                  {"unknown", "unknown"},
                                                                  {"service-unknown", "service-unknown"}}),
                             probe.status)
                        .otherwise("serving")
                        .says("what the server has to say");
                })
        .says("what makes one observation ok");
}

}  // namespace blackstart
