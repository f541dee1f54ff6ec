// What a meter counts, and that it lets everything pass: tables of packets through the real program.
#include "injector/meter.h"

#include <gtest/gtest.h>

#include <memory>
#include <thread>

#include "injector/kernel/error.h"
#include "tests/bpf/packet.h"
#include "tests/bpf/room.h"

namespace blackstart {
namespace {

using packet::ACK;
using packet::Bytes;
using packet::Flow;
using packet::operator+;
using packet::PSH;
using packet::SYN;
using Count = MeterPlan::Count;

const Flow v4{.source = "10.0.0.1", .destination = "10.0.0.2", .source_port = 40000, .destination_port = 8080};
const Flow v6{.source = "fd00::1", .destination = "fd00::2", .source_port = 40000, .destination_port = 8080};

Bytes dns(const Flow& flow, unsigned flags) { return packet::udp(flow, packet::u16(7) + packet::u16(flags) + Bytes(20)); }
Bytes request(const Flow& flow, const std::string& text) { return packet::tcp(flow, 1, 1, ACK | PSH, packet::text(text)); }

struct Meters : testing::Test {
    Room room;
    std::unique_ptr<Meter> meter;
    std::uint64_t before = 0;

    // What the kernel sends of itself would be counted as well.
    Meters() { Room::run("sysctl -qw net.ipv6.conf.all.disable_ipv6=1"); }

    void start(Count count, std::vector<std::uint16_t> ports = {}) {
        meter = std::make_unique<Meter>(MeterPlan{count, std::move(ports)}, room.target("wire"), std::chrono::seconds(60));
        before = 0;
    }
    // How many a packet is counted as; it passes, unchanged.
    std::uint64_t counts(const Bytes& frame, const char* program = "egress_l2") {
        const Outcome outcome = pass(program, frame);
        EXPECT_EQ(outcome.verdict, kNext);
        EXPECT_EQ(outcome.frame, frame);
        const auto last = before;
        before = meter->count();
        return before - last;
    }
};

TEST_F(Meters, packets_are_all_of_ip_in_both_directions) {
    start(Count::packets);
    EXPECT_EQ(counts(packet::udp(v4, Bytes(8))), 1U);
    EXPECT_EQ(counts(packet::udp(v6, Bytes(8)), "ingress_l2"), 1U);
    Bytes arp = packet::udp(v4, Bytes(8));
    packet::put16(arp, 12, 0x0806);
    EXPECT_EQ(counts(arp), 0U);
}

TEST_F(Meters, packets_of_a_port_are_those_of_either_end) {
    start(Count::packets, {53, 8080});
    for (const Flow& flow : {v4, v6}) {
        EXPECT_EQ(counts(packet::udp(flow, Bytes(8))), 1U);
        EXPECT_EQ(counts(packet::tcp(flow.reversed(), 1, 1, ACK, {})), 1U);
        Flow other = flow;
        other.destination_port = 8081;
        EXPECT_EQ(counts(packet::udp(other, Bytes(8))), 0U);
    }
}

TEST_F(Meters, connections_are_syns_to_the_port) {
    start(Count::connections, {8080});
    for (const Flow& flow : {v4, v6}) {
        EXPECT_EQ(counts(packet::tcp(flow, 1, 0, SYN, {})), 1U);
        EXPECT_EQ(counts(packet::tcp(flow.reversed(), 1, 2, SYN | ACK, {})), 0U);
        EXPECT_EQ(counts(packet::tcp(flow, 2, 2, ACK, {})), 0U);
        EXPECT_EQ(counts(packet::tcp(flow.reversed(), 1, 0, SYN, {})), 0U);  // from the port, to another
        EXPECT_EQ(counts(packet::udp(flow, Bytes(8))), 0U);
    }
}

TEST_F(Meters, dns_queries_go_to_port_53_and_are_no_answers) {
    start(Count::dns_queries);
    for (Flow flow : {v4, v6}) {
        EXPECT_EQ(counts(dns(flow, 0x0100)), 0U);  // to port 8080
        flow.destination_port = 53;
        EXPECT_EQ(counts(dns(flow, 0x0100)), 1U);
        EXPECT_EQ(counts(dns(flow, 0x2800)), 1U);  // an update (RFC 2136)
        EXPECT_EQ(counts(dns(flow, 0x8180)), 0U);
        EXPECT_EQ(counts(packet::udp(flow, Bytes(11))), 0U);
    }
}

TEST_F(Meters, http_requests_begin_with_a_method) {
    start(Count::http_requests, {8080});
    for (const Flow& flow : {v4, v6}) {
        EXPECT_EQ(counts(request(flow, "GET / HTTP/1.1\r\n\r\n")), 1U);
        EXPECT_EQ(counts(request(flow, "OPTIONS / HTTP/1.0\r\n\r\n")), 1U);
        EXPECT_EQ(counts(request(flow, "get / HTTP/1.1\r\n\r\n")), 0U);
        EXPECT_EQ(counts(request(flow, "the rest of a body, GET /")), 0U);
        EXPECT_EQ(counts(request(flow, "GET /")), 0U);  // too short to be one
        EXPECT_EQ(counts(request(flow.reversed(), "GET / HTTP/1.1\r\n\r\n")), 0U);
    }
}

TEST_F(Meters, stop_with_their_lease) {
    start(Count::packets);
    std::this_thread::sleep_for(std::chrono::milliseconds(2300));  // two seconds, and the tick
    EXPECT_EQ(counts(packet::udp(v4, Bytes(8))), 0U);
    EXPECT_FALSE(meter->renew());
    EXPECT_EQ(counts(packet::udp(v4, Bytes(8))), 0U);
}

TEST_F(Meters, take_no_more_ports_than_fit) { EXPECT_THROW(start(Count::packets, std::vector<std::uint16_t>(65, 80)), Misuse); }

}  // namespace
}  // namespace blackstart
