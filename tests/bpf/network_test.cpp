// Loss, duplicate, partition and reset: what becomes of a packet, and which packets nobody may touch.
#include <gtest/gtest.h>

#include <algorithm>
#include <thread>

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

Bytes icmp(const Flow& flow, std::uint8_t type) { return packet::finish(flow, flow.v6() ? 58 : 1, Bytes{type, 0, 0, 0, 0, 1, 0, 1}, 2); }
Bytes segment(const Flow& flow, unsigned flags = packet::ACK, std::size_t size = 100) {
    return packet::tcp(flow, 1000, 5000, flags, Bytes(size, 'x'));
}

template <class Fault> Fault to_the_server(Match::Way way = Match::Way::egress) {
    Fault fault;
    fault.match.to = {"10.0.0.2", "fd00::2"};
    fault.match.direction = way;
    return fault;
}

LossFault loss(double share) {
    auto fault = to_the_server<LossFault>();
    fault.choice.share = share;
    return fault;
}

struct Network : testing::Test {
    Room room;
    std::unique_ptr<Injection> injection;

    void arm(const Fault& fault, Terms terms = {}) {
        injection.reset();
        if (terms.duration.count() == 0) terms.duration = seconds(60);
        if (terms.seed == 0) terms.seed = 7;
        if (terms.lease == Terms{}.lease) terms.lease = seconds(60);  // nobody renews it, and a busy machine takes its time
        injection = inject(fault, room.target("wire"), terms);
    }
    static int out(const Bytes& frame) { return pass("egress_l2", frame).verdict; }
    static int in(const Bytes& frame) { return pass("ingress_l2", frame).verdict; }
    // Which of the next packets were lost, as a text of x and dots.
    static std::string fate(int packets, const Bytes& frame = packet::udp(v4, {})) {
        std::string seen;
        for (int i = 0; i < packets; i++) seen += out(frame) == kNext ? '.' : 'x';
        return seen;
    }
};

TEST_F(Network, a_lost_packet_is_lost_silently_on_its_way_out_and_dropped_on_its_way_in) {
    auto fault = loss(1);
    fault.match.direction = Match::Way::both;
    arm(fault);
    for (const auto& flow : {v4, v6}) {
        EXPECT_EQ(out(packet::udp(flow, {})), kRedirect);  // to a device that is not there: the sender is not told
        EXPECT_EQ(in(packet::udp(flow.reversed(), {})), kShot);
        EXPECT_EQ(out(packet::udp(flow.reversed(), {})), kNext);
        EXPECT_EQ(in(packet::udp(flow, {})), kNext);
    }
    EXPECT_EQ(injection->tally().hits, 4U);
    EXPECT_EQ(injection->tally().matched, 4U);
}

TEST_F(Network, all_of_ipv6_is_none_of_ipv4_and_the_other_way_round) {
    for (const int more : {0, 70}) {  // a short list, and one that is looked up
        auto fault = loss(1);
        fault.match.to = {"::/0"};
        for (int i = 0; i < more; i++) fault.match.to.push_back("192.0.2." + std::to_string(i));
        arm(fault);
        EXPECT_EQ(out(packet::udp(v6, {})), kRedirect);
        EXPECT_EQ(out(packet::udp(v4, {})), kNext);
        fault.match.to[0] = "0.0.0.0/0";
        arm(fault);
        EXPECT_EQ(out(packet::udp(v6, {})), kNext);
        EXPECT_EQ(out(packet::udp(v4, {})), kRedirect);
    }
}

TEST_F(Network, a_share_is_drawn_from_the_seed) {
    arm(loss(0.3));
    const auto one = fate(2000);
    const auto lost = std::ranges::count(one, 'x');
    EXPECT_NEAR(static_cast<double>(lost), 600, 90);
    EXPECT_EQ(injection->tally().hits, static_cast<std::uint64_t>(lost));
    EXPECT_EQ(injection->tally().matched, 2000U);
    arm(loss(0.3));
    EXPECT_EQ(fate(2000), one);
    Terms other;
    other.seed = 8;
    arm(loss(0.3), other);
    EXPECT_NE(fate(2000), one);
}

TEST_F(Network, every_nth_is_the_last_of_each_n) {
    auto fault = loss(0);
    fault.choice.every = 4;
    arm(fault);
    EXPECT_EQ(fate(12), "...x...x...x");
}

TEST_F(Network, bursts_have_the_share_and_the_mean_length_that_was_asked) {
    auto fault = loss(0.2);
    fault.choice.burst = 10;
    arm(fault);
    const auto seen = fate(20'000);
    const auto lost = static_cast<double>(std::ranges::count(seen, 'x'));
    double bursts = 0;
    for (std::size_t i = 1; i < seen.size(); i++) bursts += seen[i] == 'x' && seen[i - 1] == '.' ? 1 : 0;
    EXPECT_NEAR(lost / 20'000, 0.2, 0.05);
    EXPECT_NEAR(lost / bursts, 10, 2.5);
}

TEST_F(Network, by_segment_a_packet_counts_for_as_many_trials_as_it_has_segments) {
    auto fault = loss(0);
    fault.choice.every = 4;
    fault.choice.per_segment = true;
    arm(fault);
    const auto frame = segment(v4, packet::ACK, 2000);
    std::string seen;
    for (int i = 0; i < 6; i++) seen += pass("egress_l2", frame, "wire", 1, nullptr, 1000).verdict == kNext ? '.' : 'x';  // of 2 segments
    EXPECT_EQ(seen, ".x.x.x");
    EXPECT_EQ(injection->tally().matched, 6U);
}

TEST_F(Network, a_cycle_by_count_and_a_lease_hold_for_loss_as_for_everything) {
    Terms terms;
    terms.duration = seconds(60);
    terms.cycle = Cycle{.fail = 2, .pass = 3};
    arm(loss(1), terms);
    EXPECT_EQ(fate(10), "xx...xx...");
    terms.cycle.reset();
    terms.lease = milliseconds(100);
    arm(loss(1), terms);
    std::this_thread::sleep_for(milliseconds(150));
    EXPECT_EQ(fate(2), "..");
    EXPECT_FALSE(injection->renew());
}

TEST_F(Network, neighbours_addresses_and_other_peers_are_left_alone_by_all) {
    auto fault = to_the_server<PartitionFault>(Match::Way::both);
    fault.match.to = {"any"};
    arm(fault);
    EXPECT_EQ(out(icmp(v6, 135)), kNext);
    EXPECT_EQ(in(icmp(v6, 136)), kNext);
    EXPECT_EQ(out(Bytes(12, 0xff) + packet::u16(0x0806) + Bytes(28, 1)), kNext);
    Flow dhcp = v4;
    dhcp.source_port = 68;
    dhcp.destination_port = 67;
    EXPECT_EQ(out(packet::udp(dhcp, {})), kNext);
    fault.match.to = {"10.0.0.9"};
    arm(fault);
    EXPECT_EQ(out(packet::udp(v4, {})), kNext);
    EXPECT_EQ(injection->tally().matched, 0U);
}

TEST_F(Network, a_partition_drops_each_way_that_it_is_asked_for) {
    arm(to_the_server<PartitionFault>());
    for (const auto& flow : {v4, v6}) {
        EXPECT_EQ(out(segment(flow)), kRedirect);
        EXPECT_EQ(out(packet::udp(flow, {})), kRedirect);
        EXPECT_EQ(out(icmp(flow, flow.v6() ? 128 : 8)), kRedirect);
    }
    arm(to_the_server<PartitionFault>(Match::Way::both));
    for (const auto& flow : {v4, v6}) EXPECT_EQ(in(segment(flow.reversed())), kShot);
}

TEST_F(Network, established_connections_can_be_kept) {
    auto fault = to_the_server<PartitionFault>();
    fault.established = PartitionFault::Established::keep;
    arm(fault);
    for (const auto& flow : {v4, v6}) {
        EXPECT_EQ(out(segment(flow)), kNext);
        EXPECT_EQ(out(segment(flow, packet::FIN | packet::ACK)), kNext);
        EXPECT_EQ(out(segment(flow, packet::SYN, 0)), kRedirect);
        EXPECT_EQ(out(segment(flow, packet::SYN | packet::ACK, 0)), kRedirect);
        EXPECT_EQ(out(packet::udp(flow, {})), kRedirect);
    }
}

unsigned flags_of(const Bytes& frame) { return frame.at(packet::upper_at(frame) + 13); }
std::uint32_t number_at(const Bytes& frame, std::size_t offset) {
    const auto at = packet::upper_at(frame) + offset;
    return packet::get16(frame, at) << 16 | packet::get16(frame, at + 2);
}

// The ends of a frame: MAC and IP addresses, and ports.
std::string ends(const Bytes& frame) {
    const bool v6_frame = frame.at(12) != 0x08;
    const auto text = [&](std::size_t at, std::size_t size) {
        return std::string(frame.begin() + static_cast<std::ptrdiff_t>(at), frame.begin() + static_cast<std::ptrdiff_t>(at + size));
    };
    const auto l4 = packet::upper_at(frame);
    return text(0, 12) + (v6_frame ? text(22, 32) : text(26, 8)) + text(l4, 4);
}

TEST_F(Network, a_rejected_segment_becomes_the_reset_that_a_closed_port_sends) {
    auto fault = to_the_server<PartitionFault>(Match::Way::both);
    fault.reject = true;
    arm(fault);
    for (const auto& flow : {v4, v6}) {
        const auto syn = pass("egress_l2", segment(flow, packet::SYN, 0));
        EXPECT_EQ(syn.verdict, kRedirect);
        EXPECT_EQ(packet::damage(syn.frame, 6), "");
        EXPECT_EQ(ends(syn.frame), ends(segment(flow.reversed())));
        EXPECT_EQ(flags_of(syn.frame), packet::RST | packet::ACK);
        EXPECT_EQ(number_at(syn.frame, 8), 1001U);
        const auto data = pass("ingress_l2", segment(flow.reversed(), packet::ACK, 333));
        EXPECT_EQ(data.verdict, kRedirect);
        EXPECT_EQ(packet::damage(data.frame, 6), "");
        EXPECT_EQ(ends(data.frame), ends(segment(flow)));
        EXPECT_EQ(flags_of(data.frame), packet::RST);
        EXPECT_EQ(number_at(data.frame, 4), 5000U);
        EXPECT_EQ(in(segment(flow.reversed(), packet::RST)), kShot) << "a reset is not answered";
    }
}

TEST_F(Network, a_rejected_datagram_becomes_icmp_unreachable_about_itself) {
    auto fault = to_the_server<PartitionFault>();
    fault.reject = true;
    arm(fault);
    for (const auto& flow : {v4, v6}) {
        const auto asked = packet::udp(flow, Bytes(300, 'q'));
        const auto [verdict, frame] = pass("egress_l2", asked);
        EXPECT_EQ(verdict, kRedirect);
        const auto l4 = packet::upper_at(frame);
        const Bytes upper(frame.begin() + static_cast<std::ptrdiff_t>(l4), frame.end());
        const Bytes about(upper.begin() + 8, upper.end());
        EXPECT_EQ(upper.at(0), flow.v6() ? 1 : 3);
        EXPECT_EQ(upper.at(1), flow.v6() ? 4 : 3);
        EXPECT_TRUE(std::equal(about.begin(), about.end(), asked.begin() + 14)) << "it quotes what it is about";
        unsigned pseudo = 0;
        if (flow.v6())
            pseudo = packet::sum(packet::address(flow.destination) + packet::address(flow.source) +
                                 packet::u32(static_cast<std::uint32_t>(upper.size())) + packet::u32(58));
        EXPECT_EQ(packet::sum(upper, pseudo), 0xffffU);
        if (!flow.v6()) {
            EXPECT_EQ(packet::sum(Bytes(frame.begin() + 14, frame.begin() + 34)), 0xffffU);
            EXPECT_EQ(packet::get16(frame, 16), frame.size() - 14);
        }
        const auto echo = pass("egress_l2", icmp(flow, flow.v6() ? 128 : 8));
        EXPECT_EQ(echo.verdict, kRedirect);
        EXPECT_EQ(echo.frame.at(packet::upper_at(echo.frame)), flow.v6() ? 1 : 3);
        EXPECT_EQ(echo.frame.at(packet::upper_at(echo.frame) + 1), flow.v6() ? 3 : 1);
        const auto error = pass("egress_l2", icmp(flow, flow.v6() ? 1 : 3));
        EXPECT_EQ(error.frame, icmp(flow, flow.v6() ? 1 : 3)) << "of an error there is none";
    }
}

TEST_F(Network, cut_connections_are_told_and_new_ones_are_not) {
    auto fault = to_the_server<PartitionFault>();
    fault.established = PartitionFault::Established::cut;
    arm(fault);
    for (const auto& flow : {v4, v6}) {
        const auto told = pass("egress_l2", segment(flow));
        EXPECT_EQ(flags_of(told.frame), packet::RST);
        EXPECT_EQ(packet::damage(told.frame, 6), "");
        const auto syn = segment(flow, packet::SYN, 0);
        EXPECT_EQ(pass("egress_l2", syn).frame, syn);
    }
}

TEST_F(Network, a_reset_goes_on_to_the_receiver_in_sequence) {
    ResetFault fault = to_the_server<ResetFault>();
    arm(fault);
    for (const auto& flow : {v4, v6}) {
        const auto [verdict, frame] = pass("egress_l2", segment(flow, packet::ACK | packet::PSH, 1000));
        EXPECT_EQ(verdict, kNext);
        EXPECT_EQ(packet::damage(frame, 6), "");
        EXPECT_EQ(ends(frame), ends(segment(flow)));
        EXPECT_EQ(flags_of(frame), packet::RST | packet::ACK);
        EXPECT_EQ(number_at(frame, 4), 1000U);
        EXPECT_EQ(number_at(frame, 8), 5000U);
        for (const unsigned flags : {0U + packet::SYN, packet::SYN | packet::ACK, 0U + packet::RST}) {
            const auto spared = segment(flow, flags, 0);
            EXPECT_EQ(pass("egress_l2", spared).frame, spared);
        }
        const auto datagram = packet::udp(flow, Bytes(10));
        EXPECT_EQ(pass("egress_l2", datagram).frame, datagram);
    }
    EXPECT_EQ(injection->tally().hits, 2U);
    EXPECT_EQ(injection->tally().matched, 2U);
}

TEST_F(Network, a_share_of_resets_is_one_of_connections) {
    Terms terms;
    terms.probability = 0.5;
    terms.duration = seconds(60);
    arm(to_the_server<ResetFault>(Match::Way::both), terms);
    int reset = 0;
    for (std::uint16_t port = 20000; port < 20200; port++) {
        Flow flow = v4;
        flow.source_port = port;
        const bool one = flags_of(pass("egress_l2", segment(flow)).frame) != packet::ACK;
        EXPECT_EQ(flags_of(pass("egress_l2", segment(flow)).frame) != packet::ACK, one);
        EXPECT_EQ(flags_of(pass("ingress_l2", segment(flow.reversed())).frame) != packet::ACK, one);
        reset += one ? 1 : 0;
    }
    EXPECT_GT(reset, 60);
    EXPECT_LT(reset, 140);
}

TEST_F(Network, what_cannot_be_is_misuse) {
    EXPECT_THROW(arm(loss(0)), Misuse);
    EXPECT_THROW(arm(loss(1.1)), Misuse);
    auto both = loss(0.1);
    both.choice.every = 3;
    EXPECT_THROW(arm(both), Misuse);
    auto dense = loss(0.9);
    dense.choice.burst = 2;
    EXPECT_THROW(arm(dense), Misuse);
    auto full = loss(0.5);
    full.choice.burst = 5;
    full.choice.burst_share = 0.5;
    EXPECT_THROW(arm(full), Misuse);
    auto udp = to_the_server<ResetFault>();
    udp.match.protocol = "udp";
    EXPECT_THROW(arm(udp), Misuse);
    EXPECT_THROW(arm(PartitionFault{}), Misuse);
    auto slow = to_the_server<BandwidthFault>();
    EXPECT_THROW(arm(slow), Misuse);
}

TEST_F(Network, there_is_room_for_eight_of_all_kinds_together) {
    std::vector<std::unique_ptr<Injection>> armed;
    Terms terms;
    terms.duration = seconds(60);
    for (int i = 0; i < 8; i++) armed.push_back(inject(loss(0.5), room.target("wire"), terms));
    EXPECT_THROW(arm(loss(0.5)), Unfit);
    armed.erase(armed.begin() + 3);
    EXPECT_NO_THROW(arm(loss(0.5)));
}

}  // namespace
}  // namespace blackstart
