// The answers of the dns fault beside rcodes and addresses, and how TCP and other opcodes are met.
#include <thread>

#include "tests/bpf/dns_room.h"

namespace blackstart {
namespace {

using std::chrono::milliseconds;

constexpr unsigned SOA = 6, IXFR = 251, AXFR = 252;
constexpr unsigned NOTIFY = 0x2000, UPDATE = 0x2800;

Bytes soa(unsigned owner, unsigned ttl) {
    return u16(owner) + u16(SOA) + u16(1) + u32(ttl) + u16(22) + u16(0) + u32(1) + u32(3600) + u32(600) + u32(86400) + u32(ttl);
}

Bytes negative(unsigned flags, const Bytes& body, unsigned additional = 0) {
    return u16(0xbeef) + u16(flags) + u16(1) + u16(0) + u16(1) + u16(additional) + body;
}

TEST_F(Dns, truncate_says_so_and_leaves_tcp_alone) {
    arm(named({"db.test"}, DnsFault::Answer::truncate));
    for (const auto& flow : {v4, v6}) {
        expect_answer(flow, query("db.test", A), message(ANSWER | 0x0200, question("db.test", A)));
        expect_answer(flow, message(RD, question("db.test", A) + opt(4096), 0, 1),
                      message(ANSWER | 0x0200, question("db.test", A) + opt(1232), 0, 1));
        expect_untouched(packet::tcp(flow, 1, 1, packet::PSH | packet::ACK, u16(25) + query("db.test", A)));
    }
    EXPECT_EQ(injection->tally().matched, 4U);
}

TEST_F(Dns, negative_ttl_adds_an_soa_of_the_name_above) {
    for (const auto& [answer, rcode] : {std::pair{DnsFault::Answer::empty, 0U}, {DnsFault::Answer::nxdomain, 3U}}) {
        auto fault = named({"*", "."}, answer);
        fault.negative_ttl = seconds(300);
        arm(fault);
        for (const auto& flow : {v4, v6}) {
            for (const std::string name : {"db.test", "odd.test", "a.b.c.test", "test"}) {
                const auto first = static_cast<unsigned>(std::min(name.find('.'), name.size()));
                expect_answer(flow, query(name, A), negative(ANSWER | rcode, question(name, A) + soa(0xc00c + 1 + first, 300)));
                expect_answer(flow, message(RD, question(name, TXT) + opt(512, true, Bytes(3)), 0, 1),
                              negative(ANSWER | rcode, question(name, TXT) + soa(0xc00c + 1 + first, 300) + opt(1232, true), 1));
            }
            expect_answer(flow, query("", A), negative(ANSWER | rcode, question("", A) + soa(0xc00c, 300)));
        }
        injection.reset();
    }
    auto fault = named({"db.test"}, DnsFault::Answer::addresses);
    fault.answers[0].addresses = {"192.0.2.1"};
    fault.negative_ttl = seconds(5);
    arm(fault);
    expect_answer(v4, query("db.test", A), message(ANSWER, question("db.test", A) + record(A, 1, "192.0.2.1"), 1));
    expect_answer(v4, query("db.test", AAAA), negative(ANSWER, question("db.test", AAAA) + soa(0xc00f, 5)));
    arm(named({"db.test"}, DnsFault::Answer::servfail));
    expect_answer(v4, query("db.test", A), message(ANSWER | 2, question("db.test", A)));
}

TEST_F(Dns, answers_take_turns) {
    DnsFault fault = named({"db.test"});
    fault.answers = {{DnsFault::Answer::addresses, {"192.0.2.1"}}, {DnsFault::Answer::empty, {}}, {DnsFault::Answer::servfail, {}}};
    fault.turn = milliseconds(400);
    arm(fault);
    std::string seen;
    const auto until = std::chrono::steady_clock::now() + milliseconds(1800);
    while (std::chrono::steady_clock::now() < until) {
        const auto out = pass("egress_l2", packet::udp(v4, query("db.test", A)));
        ASSERT_EQ(out.verdict, kRedirect);
        const auto told = packet::payload(out.frame);
        const char turn = packet::get16(told, 6) == 1 ? 'a' : (told.at(3) & 15) == 0 ? 'e' : 's';
        if (seen.empty() || seen.back() != turn) seen += turn;
        std::this_thread::sleep_for(milliseconds(1));
    }
    EXPECT_EQ(seen, std::string("aesae").substr(0, seen.size()));
    EXPECT_GE(seen.size(), 4U);
}

TEST_F(Dns, a_query_over_tcp_becomes_a_reset_from_its_server) {
    arm(named({"db.test"}));
    for (const auto& flow : {v4, v6}) {
        for (const auto* program : {"egress_l2", "ingress_l2"}) {
            const Bytes ask = query("db.test", A);
            for (const Bytes& segment : {u16(25) + ask, ask, u16(25) + ask + u16(25) + ask}) {  // also: its length came before it
                const auto out = pass(program, packet::tcp(flow, 1000, 77, packet::PSH | packet::ACK, segment));
                EXPECT_EQ(out.verdict, kRedirect);
                EXPECT_EQ(packet::damage(out.frame, 6), "");
                const auto l4 = packet::upper_at(out.frame);
                EXPECT_EQ(packet::get16(out.frame, l4), flow.destination_port);
                EXPECT_EQ(packet::get16(out.frame, l4 + 6), 77U);  // sequence number: what the client expects next
                EXPECT_EQ(out.frame.at(l4 + 13), packet::RST | packet::ACK);
                EXPECT_EQ(out.frame.size(), l4 + 20);
            }
        }
    }
    const auto hits = injection->tally().hits;
    EXPECT_EQ(hits, 12U);
    for (const auto& flow : {v4, v6}) {
        const auto tcp = [&](const Bytes& payload) { return packet::tcp(flow, 1, 1, packet::PSH | packet::ACK, payload); };
        expect_untouched(tcp(u16(27) + query("other.test", A)));
        expect_untouched(tcp(u16(25) + message(0x8180, question("db.test", A))));  // a response
        expect_untouched(tcp(u16(25)));
        expect_untouched(tcp({}));
        expect_untouched(tcp(u16(400) + Bytes(200, 'x')));
        const Bytes whole = u16(25) + query("db.test", A);
        for (std::size_t size = 1; size < whole.size(); size++)
            expect_untouched(tcp(Bytes(whole.begin(), whole.begin() + static_cast<long>(size))));
    }
    EXPECT_EQ(injection->tally().hits, hits);
    EXPECT_EQ(injection->tally().unseen, 0U);
    arm(named({"db.test"}, DnsFault::Answer::timeout));
    EXPECT_EQ(pass("ingress_l2", packet::tcp(v4, 1, 1, packet::ACK, u16(25) + query("db.test", A))).verdict, kShot);
}

TEST_F(Dns, a_query_over_tcp_is_found_behind_others_in_its_segment) {
    auto fault = named({"db.test"});
    fault.types = {AAAA};
    arm(fault);
    const auto framed = [](const Bytes& ask) { return u16(static_cast<unsigned>(ask.size())) + ask; };
    const Bytes wanted = framed(query("db.test", AAAA)), other = framed(query("db.test", A));
    Bytes many = framed(message(UPDATE, question("zone.test", SOA) + Bytes(900, 0)));  // longer than what is read of it
    for (int i = 0; i < 60; i++) many = many + other;
    const auto verdict_on = [](const Bytes& payload) { return pass("egress_l2", packet::tcp(v4, 1, 1, packet::ACK, payload)).verdict; };
    for (const Bytes& before : {Bytes{}, other, many}) {
        EXPECT_EQ(verdict_on(before + wanted), kRedirect);
        EXPECT_EQ(verdict_on(before + wanted + Bytes{0, 27, 1}), kRedirect);  // the next one goes on in the next segment
        EXPECT_EQ(verdict_on(before + other), kNext);
    }
    EXPECT_EQ(injection->tally().hits, 6U);
}

TEST_F(Dns, updates_and_notifies_only_if_asked_for) {
    auto fault = named({"zone.test"}, DnsFault::Answer::refused);
    fault.opcodes = {5};
    arm(fault);
    const Bytes zone = question("zone.test", SOA), change = record(A, 60, "192.0.2.7");
    const Bytes tsig = Bytes{0} + u16(TSIG) + u16(255) + u32(0) + u16(0);
    for (const auto& flow : {v4, v6}) {
        const Bytes update = u16(0xbeef) + u16(UPDATE) + u16(1) + u16(0) + u16(1) + u16(0) + zone + change;
        expect_answer(flow, update, message(0x8000 | UPDATE | 5, zone));
        expect_untouched(packet::udp(flow, query("zone.test", SOA)));
        expect_untouched(packet::udp(flow, message(NOTIFY, zone)));
        expect_unseen(packet::udp(flow, u16(0xbeef) + u16(UPDATE) + u16(1) + u16(0) + u16(1) + u16(1) + zone + change + tsig));
        EXPECT_EQ(pass("egress_l2", packet::tcp(flow, 1, 1, packet::ACK, u16(static_cast<unsigned>(update.size())) + update)).verdict,
                  kRedirect);
    }
    fault.opcodes = {0, 4};
    arm(fault);
    expect_answer(v4, message(NOTIFY, zone + record(SOA, 1, "192.0.2.1"), 1), message(0x8000 | NOTIFY | 5, zone));
    expect_answer(v4, query("zone.test", SOA), message(ANSWER | 5, zone));
    expect_untouched(packet::udp(v4, message(UPDATE, zone)));
    fault.answers = {{DnsFault::Answer::timeout, {}}};
    fault.opcodes = {5};
    arm(fault);
    EXPECT_EQ(pass("ingress_l2", packet::udp(v4, message(UPDATE, zone + change + tsig, 0, 1))).verdict, kShot);  // no answer, no signature
}

TEST_F(Dns, zone_transfers_by_their_type) {
    auto fault = named({"zone.test"}, DnsFault::Answer::refused);
    fault.types = {IXFR, AXFR};
    arm(fault);
    const Bytes ixfr = u16(0xbeef) + u16(0) + u16(1) + u16(0) + u16(1) + u16(0) + question("zone.test", IXFR) + soa(0xc00c, 1);
    expect_answer(v6, ixfr, message(0x8085, question("zone.test", IXFR)));
    const Bytes axfr = query("zone.test", AXFR);
    EXPECT_EQ(pass("egress_l2", packet::tcp(v4, 1, 1, packet::ACK, u16(static_cast<unsigned>(axfr.size())) + axfr)).verdict, kRedirect);
    expect_untouched(packet::tcp(v4, 1, 1, packet::ACK, u16(27) + query("zone.test", SOA)));
}

// The checksum field says what it holds by its value alone: each kind that a sender can leave there.
TEST_F(Dns, whatever_the_checksum_field_holds) {
    arm(named({"db.test"}, DnsFault::Answer::nxdomain));
    for (const auto& flow : {v4, v6}) {
        const Bytes ask = message(RD, question("db.test", A) + opt(512, false, Bytes(5)), 0, 1);
        const auto pseudo_is = [&](unsigned id) {
            Bytes numbered = ask;
            packet::put16(numbered, 0, id);
            return packet::udp(flow, numbered);
        };
        // Of all ids, one makes the whole checksum equal to the pseudo-header's sum.
        const auto frame = pseudo_is(0);
        const auto l4 = packet::upper_at(frame);
        const Bytes ends(frame.begin() + static_cast<long>(l4) - (frame.at(12) == 0x08 ? 8 : 32), frame.begin() + static_cast<long>(l4));
        const unsigned pseudo = packet::sum(ends + u16(17) + u16(static_cast<unsigned>(frame.size() - l4)));
        for (unsigned id = 0; id < 0x10000; id++) {
            const auto whole = pseudo_is(id);
            if (packet::get16(whole, l4 + 6) != pseudo) continue;
            const auto out = pass("egress_l2", whole);
            EXPECT_EQ(packet::damage(out.frame, 17), "");
        }
        auto partial = frame;
        packet::put16(partial, l4 + 6, pseudo);
        const auto out = pass("egress_l2", partial);
        EXPECT_EQ(packet::get16(out.frame, l4 + 6), packet::sum(ends + u16(17) + u16(static_cast<unsigned>(out.frame.size() - l4))));
    }
}

}  // namespace
}  // namespace blackstart
