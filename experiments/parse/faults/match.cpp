#include "experiments/parse/faults/match.h"

namespace blackstart {

void describe_match(Keys& keys, Match& match) {
    keys.add("to", type::list(type::peer()), match.to).says("far end: address, CIDR, host name, or any");
    keys.add("from", type::list(type::peer()), match.from).says("near end: address, CIDR, host name, or any");
    keys.add("port", type::list(type::port()), match.ports).says("port of either end");
    keys.add("protocol", type::choice<std::string>("protocol", {{"tcp", "tcp"}, {"udp", "udp"}, {"icmp", "icmp"}, {"any", "any"}}),
             match.protocol)
        .otherwise("any")
        .says("tcp, udp, icmp or any");
    using enum Match::Way;
    keys.add("direction", type::choice<Match::Way>("direction", {{"egress", egress}, {"ingress", ingress}, {"both", both}}),
             match.direction)
        .otherwise("egress")
        .says("egress, ingress or both");
    keys.check([&match](const Keys& all, const Place& place, Complaints& complaints) {
        if (all.given("to") == nullptr && all.given("from") == nullptr && all.given("port") == nullptr && match.protocol == "any")
            complaints.error(place, "nothing is matched: say to, from, port or protocol; to 'any' means all traffic");
        if (const auto* port = all.given("port"); port != nullptr && match.protocol == "icmp")
            complaints.error(port->place, "port: ICMP has no ports");
    });
}

}  // namespace blackstart
