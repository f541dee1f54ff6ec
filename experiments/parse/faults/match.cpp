#include "experiments/parse/faults/match.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "injector/kernel/error.h"
#include "injector/names.h"

namespace blackstart {

namespace {

void check_list(const std::vector<std::string>& list, const char* key, const Keys& all, Complaints& complaints) {
    if (list.size() > Match::kMost)
        complaints.error(all.given(key)->place,
                         fmt::format("{}: at most {} addresses, not {}; use wider CIDRs", key, Match::kMost, list.size()));
    const auto names = std::ranges::count_if(list, is_host_name);
    if (names > kMostHostNames)
        complaints.error(all.given(key)->place, fmt::format("{}: at most {} host names, not {}: each is looked up and followed; use CIDRs",
                                                            key, kMostHostNames, names));
}

}  // namespace

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
        for (const auto& [key, list] : {std::pair{"to", &match.to}, {"from", &match.from}}) check_list(*list, key, all, complaints);
        if (const auto* port = all.given("port"); port != nullptr && match.protocol == "icmp")
            complaints.error(port->place, "port: ICMP has no ports");
    });
}

namespace {

void check_choice(const Choice& choice, const Keys& keys, const Place& place, Complaints& complaints) {
    for (const auto* key : {"share", "every", "burst", "burst_share"})
        if (keys.given(key) != nullptr && !keys.right(key)) return;
    const auto* about = keys.given(keys.given("burst") != nullptr ? "burst" : "share");
    try {
        check(choice);
        if (choice.burst == 0 && keys.given("burst_share") != nullptr)
            complaints.error(keys.given("burst_share")->place, "burst_share: goes with 'burst'");
    } catch (const Misuse& error) {
        complaints.error(about != nullptr ? about->place : place, error.what());
    }
}

}  // namespace

void describe_choice(Keys& keys, Choice& choice, const std::string& done) {
    keys.add("share", type::share(), choice.share).says("share of matching packets that is " + done);
    keys.add("every", type::whole<std::uint32_t>(1, 1'000'000'000), choice.every).says("instead: the last of each N packets");
    keys.add("burst", type::whole<std::uint32_t>(1, 1'000'000), choice.burst).says("in bursts of that mean length (Gilbert-Elliott)");
    keys.add("burst_share", type::share(), choice.burst_share).otherwise("100%").says("share of the packets in a burst");
    keys.add("per", type::choice<bool>("per", {{"packet", false}, {"segment", true}}), choice.per_segment)
        .otherwise("packet")
        .says("what is drawn for: packet (GSO as one) or segment");
    keys.check([&choice](const Keys& all, const Place& place, Complaints& complaints) { check_choice(choice, all, place, complaints); });
}

}  // namespace blackstart
