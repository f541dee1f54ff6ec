#include "probes/dns.h"

#include "experiments/parse/probes.h"

namespace blackstart {
namespace {

Type<std::uint8_t> rcode() {  // RFC 1035 §4.1.1
    return type::choice<std::uint8_t>("rcode",
                                      {{"noerror", 0}, {"formerr", 1}, {"servfail", 2}, {"nxdomain", 3}, {"notimp", 4}, {"refused", 5}});
}

}  // namespace

template <> void describe_probe(Keys& keys, DnsProbe& probe) {
    constexpr std::uint16_t txt = 16;
    keys.about = "One DNS query to one server, with no cache between.";
    keys.add("server", type::dns_server(), probe.server).need().says("address, address:port or [v6]:port");
    keys.add("query", type::dns_name(), probe.query).need().says("name that is asked for");
    keys.add("type", type::record_type(), probe.type).otherwise("A").says("record type");
    keys.add("tcp", type::flag(), probe.tcp).says("over TCP");
    keys.add("value", extract(), probe.value).says("taken out of a TXT record");
    keys.nested("expect",
                [&probe](Keys& expect) {
                    expect.add("rcode", rcode(), probe.rcode).otherwise("noerror").says("response code");
                    expect.add("min_answers", type::whole<int>(0, 1000), probe.min_answers)
                        .otherwise("1")
                        .says("records of the asked type, at least");
                    expect.add("answers", type::list(type::text("RECORD")), probe.answers).says("exactly this set");
                })
        .says("what makes one observation ok");
    keys.check([&probe](const Keys& all, const Place&, Complaints& complaints) {
        if (const auto* value = all.given("value"); value != nullptr && probe.type != txt)
            complaints.error(value->place, "value: only TXT records hold one; the value of another type is the set of its answers");
    });
}

}  // namespace blackstart
