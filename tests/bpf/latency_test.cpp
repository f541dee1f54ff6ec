// Which packets latency is for, and which nobody may touch: tables of packets through the real programs.
#include "injector/latency.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <thread>

#include "injector/bpf/match.h"
#include "injector/kernel/error.h"
#include "tests/bpf/packet.h"
#include "tests/bpf/room.h"

namespace blackstart {
namespace {

using packet::Bytes;
using packet::Flow;
using packet::operator+;
using std::chrono::milliseconds;
using std::chrono::seconds;

const Flow v4{.source = "10.0.0.1", .destination = "10.0.0.2", .source_port = 40000, .destination_port = 8080};
const Flow v6{.source = "fd00::1", .destination = "fd00::2", .source_port = 40000, .destination_port = 8080};

Bytes icmp(const Flow& flow, std::uint8_t type) {
    const Bytes message = Bytes{type, 0, 0, 0, 0, 1, 0, 1};
    return packet::finish(flow, flow.v6() ? 58 : 1, message, 2);
}

using Way = Match::Way;

Match to(std::vector<std::string> addresses, Way way = Way::egress) {
    Match match;
    match.to = std::move(addresses);
    match.direction = way;
    return match;
}

Match from(std::vector<std::string> addresses, Way way = Way::egress) {
    Match match;
    match.from = std::move(addresses);
    match.direction = way;
    return match;
}

Match ports(std::vector<std::uint16_t> numbers, const std::string& protocol = "any") {
    Match match;
    match.ports = std::move(numbers);
    match.protocol = protocol;
    return match;
}

struct Latency : testing::Test {
    Room room;
    std::unique_ptr<Injection> injection;

    void arm(const Match& match, Terms terms = {}, milliseconds delay = milliseconds(1)) {
        if (terms.duration.count() == 0) terms.duration = seconds(60);
        LatencyFault fault;
        fault.match = match;
        fault.delay = delay;
        injection = inject(fault, room.target("wire"), terms);
    }
    // Whether it is taken out of the stream on its way out, or in.
    static bool out(const Bytes& frame) { return pass("egress_l2", frame).verdict == kRedirect; }
    static bool in(const Bytes& frame) { return pass("ingress_l2", frame).verdict == kRedirect; }
};

TEST_F(Latency, to_is_the_destination_of_what_leaves_and_the_source_of_what_arrives) {
    arm(to({"10.0.0.2", "fd00::2"}, Way::both));
    for (const auto& flow : {v4, v6}) {
        EXPECT_TRUE(out(packet::udp(flow, {})));
        EXPECT_FALSE(out(packet::udp(flow.reversed(), {})));
        EXPECT_TRUE(in(packet::udp(flow.reversed(), {})));
        EXPECT_FALSE(in(packet::udp(flow, {})));
    }
}

TEST_F(Latency, from_is_the_source_of_what_leaves_and_the_destination_of_what_arrives) {
    arm(from({"10.0.0.1/32", "fd00::1"}, Way::both));
    for (const auto& flow : {v4, v6}) {
        EXPECT_TRUE(out(packet::udp(flow, {})));
        EXPECT_FALSE(out(packet::udp(flow.reversed(), {})));
        EXPECT_TRUE(in(packet::udp(flow.reversed(), {})));
        EXPECT_FALSE(in(packet::udp(flow, {})));
    }
}

TEST_F(Latency, a_cidr_holds_its_addresses_and_no_other) {
    const struct {
        const char* cidr;
        const char* inside;
        const char* outside;
    } rows[] = {{"10.0.0.0/8", "10.255.255.255", "11.0.0.0"},
                {"192.0.2.128/25", "192.0.2.128", "192.0.2.127"},
                {"192.0.2.1/32", "192.0.2.1", "192.0.2.0"},
                {"0.0.0.0/0", "8.8.8.8", "fd00::9"},
                {"fd00::/8", "fdff::1", "fc00::1"},
                {"2001:db8::/33", "2001:db8::1", "2001:db8:8000::1"},
                {"2001:db8::1/128", "2001:db8::1", "2001:db8::"},
                {"2001:db8::/127", "2001:db8::1", "2001:db8::2"}};
    for (const auto& row : rows) {
        arm(to({row.cidr}));
        for (const auto& [address, expected] : {std::pair{row.inside, true}, {row.outside, false}}) {
            Flow flow = std::string(address).find(':') == std::string::npos ? v4 : v6;
            flow.destination = address;
            EXPECT_EQ(out(packet::udp(flow, {})), expected) << address << " in " << row.cidr;
        }
    }
}

TEST_F(Latency, one_of_several_addresses_is_enough_and_any_is_all) {
    arm(to({"192.0.2.1", "10.0.0.0/24"}));
    EXPECT_TRUE(out(packet::udp(v4, {})));
    EXPECT_FALSE(out(packet::udp(v6, {})));
    arm(to({"192.0.2.1", "any"}));
    EXPECT_TRUE(out(packet::udp(v4, {})) && out(packet::udp(v6, {})) && out(icmp(v4, 8)) && out(packet::tcp(v6, 1, 1, packet::ACK, {})));
}

TEST_F(Latency, a_port_may_be_at_either_end) {
    arm(ports({8080, 53}));
    for (const auto& flow : {v4, v6}) {
        EXPECT_TRUE(out(packet::udp(flow, {})) && out(packet::tcp(flow, 1, 1, packet::ACK, {})));
        EXPECT_TRUE(out(packet::udp(flow.reversed(), {})));
        Flow other = flow;
        other.destination_port = 8081;
        EXPECT_FALSE(out(packet::udp(other, {})) || out(packet::tcp(other, 1, 1, packet::ACK, {})));
        EXPECT_FALSE(out(icmp(flow, flow.v6() ? 128 : 8)));
    }
}

TEST_F(Latency, a_protocol_is_itself_only) {
    for (const std::string protocol : {"tcp", "udp", "icmp"}) {
        arm(ports({}, protocol));
        for (const auto& flow : {v4, v6}) {
            EXPECT_EQ(out(packet::tcp(flow, 1, 1, packet::ACK, {})), protocol == "tcp");
            EXPECT_EQ(out(packet::udp(flow, {})), protocol == "udp");
            EXPECT_EQ(out(icmp(flow, flow.v6() ? 128 : 8)), protocol == "icmp");
        }
    }
}

TEST_F(Latency, neighbour_discovery_and_address_assignment_are_never_touched) {
    arm(to({"any"}, Way::both));
    for (std::uint8_t type = 133; type <= 137; type++) EXPECT_FALSE(out(icmp(v6, type)) || in(icmp(v6, type))) << int{type};
    EXPECT_TRUE(out(icmp(v6, 128)) && out(icmp(v6, 1)));  // an echo request, an unreachable
    const struct {
        Flow flow;
        std::uint16_t source, destination;
        bool touched;
    } rows[] = {{v4, 68, 67, false},   {v4, 67, 68, false},   {v4, 67, 67, false},    {v4, 40000, 67, true},
                {v6, 546, 547, false}, {v6, 547, 546, false}, {v6, 40000, 548, true}, {v4, 68, 53, true}};
    for (auto row : rows) {
        row.flow.source_port = row.source;
        row.flow.destination_port = row.destination;
        EXPECT_EQ(out(packet::udp(row.flow, {})), row.touched) << row.source << " to " << row.destination;
        EXPECT_EQ(in(packet::udp(row.flow, {})), row.touched) << row.source << " to " << row.destination;
        EXPECT_TRUE(out(packet::tcp(row.flow, 1, 1, packet::ACK, {})));  // the same ports of TCP are nothing special
    }
    EXPECT_FALSE(out(Bytes(12, 0xff) + packet::u16(0x0806) + Bytes(28, 1))) << "ARP";
}

TEST_F(Latency, a_connection_that_we_hold_is_never_touched) {
    Room::run("ip addr add 10.0.0.1/24 dev wire");
    const unique_fd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)), session(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    ::inet_pton(AF_INET, "10.0.0.1", &address.sin_addr);
    socklen_t size = sizeof address;
    ASSERT_EQ(::bind(listener.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
    ASSERT_EQ(::listen(listener.get(), 1), 0);
    ASSERT_EQ(::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
    ASSERT_EQ(::connect(session.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
    Flow held{.source = "10.0.0.1", .destination = "10.0.0.1", .source_port = 0, .destination_port = ntohs(address.sin_port)};
    ASSERT_EQ(::getsockname(session.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
    held.source_port = ntohs(address.sin_port);
    arm(to({"any"}, Way::both));
    for (const auto& flow : {held, held.reversed()})
        EXPECT_FALSE(out(packet::tcp(flow, 1, 1, packet::ACK, {})) || in(packet::tcp(flow, 1, 1, packet::ACK, {})));
    Flow other = held;
    other.source_port++;
    EXPECT_TRUE(out(packet::tcp(other, 1, 1, packet::ACK, {})));
    EXPECT_TRUE(out(packet::udp(held, {})));  // the same ports of UDP are another conversation
}

TEST_F(Latency, what_is_no_packet_passes) {
    arm(to({"any"}, Way::both));
    EXPECT_FALSE(out(Bytes(60, 0)));
    auto short_header = packet::udp(v4, {});
    short_header.resize(38);  // in the middle of the UDP header
    EXPECT_FALSE(out(short_header));
}

// The first fragment has the ports, the others do not: a rule by address takes them all, a rule by port none.
TEST_F(Latency, fragments_match_by_address_and_protocol_and_never_by_port) {
    auto fragment4 = packet::udp(v4, Bytes(64));
    packet::put16(fragment4, 20, 0x2000);  // more fragments follow
    Flow flow = v6;
    flow.extensions = Bytes{17, 0, 0, 1, 0, 0, 0, 1};
    flow.first_header = 44;
    const auto fragment6 = packet::udp(flow, Bytes(64));
    for (const auto& frame : {fragment4, fragment6}) {
        arm(to({"10.0.0.2", "fd00::2"}));
        EXPECT_TRUE(out(frame));
        arm(ports({}, "udp"));
        EXPECT_TRUE(out(frame));
        arm(ports({}, "tcp"));
        EXPECT_FALSE(out(frame));
        arm(to({"10.0.0.9"}));
        EXPECT_FALSE(out(frame));
        arm(ports({8080}));
        EXPECT_FALSE(out(frame));
        EXPECT_EQ(injection->tally().unseen, 1U);
    }
}

TEST_F(Latency, looks_past_options_and_extension_headers) {
    Flow flow = v6;
    flow.extensions = Bytes{17, 0, 1, 4, 0, 0, 0, 0};  // destination options: padding
    flow.first_header = 60;
    arm(ports({8080}, "udp"));
    EXPECT_TRUE(out(packet::udp(flow, {})));
    arm(ports({8081}, "udp"));
    EXPECT_FALSE(out(packet::udp(flow, {})));
}

TEST_F(Latency, ends_with_its_lease_and_with_its_duration) {
    Terms terms;
    terms.duration = milliseconds(400);
    terms.lease = milliseconds(100);
    arm(to({"any"}), terms);
    EXPECT_TRUE(out(packet::udp(v4, {})));
    std::this_thread::sleep_for(milliseconds(150));
    EXPECT_FALSE(out(packet::udp(v4, {})));
    EXPECT_FALSE(injection->renew());
    EXPECT_FALSE(out(packet::udp(v4, {}))) << "a lapse is final";
    EXPECT_TRUE(injection->tally().lapsed);
    terms.lease = seconds(2);
    arm(to({"any"}), terms);
    std::this_thread::sleep_for(milliseconds(450));
    EXPECT_FALSE(out(packet::udp(v4, {})));
    EXPECT_FALSE(injection->tally().lapsed);
}

TEST_F(Latency, ten_thousand_networks_match_what_is_in_them_and_nothing_beside) {
    auto match = to({"2001:db8::/32", "fd00::2"});
    for (int i = 0; i < 10'000; i++)
        match.to.push_back("10." + std::to_string(i / 256 + 10) + "." + std::to_string(i % 256) + (i % 2 == 0 ? ".0/24" : ".7"));
    match.from = {"10.0.0.1", "fd00::1"};
    arm(match);
    const auto reaches = [](const std::string& address) {
        auto flow = address.find(':') == std::string::npos ? v4 : v6;
        flow.destination = address;
        return out(packet::udp(flow, {}));
    };
    for (const auto* in : {"10.10.0.99", "10.10.1.7", "10.49.14.1", "10.49.15.7", "2001:db8:77::1", "fd00::2"})
        EXPECT_TRUE(reaches(in)) << in;
    for (const auto* beside : {"10.10.1.8", "10.9.0.1", "10.49.16.1", "2001:db9::1", "fd00::3"}) EXPECT_FALSE(reaches(beside)) << beside;
    for (int bits = 1; bits <= MATCH_LENGTHS; bits++) match.to.push_back("2001::/" + std::to_string(bits));
    EXPECT_THROW(arm(match), Misuse);
}

TEST_F(Latency, the_helper_gives_back_only_what_it_was_given) {
    arm(to({"any"}));
    EXPECT_EQ(pass("returned", packet::udp(v4, {})).verdict, kShot);
    EXPECT_EQ(injection->tally().hits, 0U);
}

TEST_F(Latency, nothing_to_match_and_what_cannot_be_is_misuse_and_an_unknown_name_is_unfit) {
    EXPECT_THROW(arm(Match()), Misuse);
    EXPECT_THROW(arm(to({"10.0.0.0/99"})), Misuse);
    EXPECT_THROW(arm(to({"300.1.2.3"})), Misuse);
    EXPECT_THROW(arm(ports({53}, "icmp")), Misuse);
    EXPECT_THROW(arm(ports({}, "sctp")), Misuse);
    EXPECT_THROW(arm(to(std::vector<std::string>(Match::kMost + 1, "10.0.0.1"))), Misuse);
    EXPECT_THROW(arm(to({"any"}), {}, milliseconds(0)), Misuse);
    EXPECT_THROW(arm(to({"no-such-host.invalid"})), Unfit);
}

// A figure for whoever reads the log; scripts/bench measures the real thing.
TEST_F(Latency, tells_what_a_packet_that_does_not_match_costs) {
    Match match = ports({9999}, "tcp");
    match.to = {"192.0.2.1"};
    arm(match);
    for (const auto& [name, frame] : {std::pair{"IPv4 TCP", packet::tcp(v4, 1, 1, packet::ACK, Bytes(100))},
                                      {"IPv6 TCP", packet::tcp(v6, 1, 1, packet::ACK, Bytes(100))},
                                      {"IPv4 UDP", packet::udp(v4, Bytes(100))}}) {
        unsigned ns = 0;
        EXPECT_EQ(pass("egress_l2", frame, "wire", 100'000, &ns).verdict, kNext);
        RecordProperty(name, std::to_string(ns) + " ns");
        printf("%s: %u ns\n", name, ns);
    }
}

}  // namespace
}  // namespace blackstart
