// Tables of query in, verdict and answer out, on the real programs (BPF_PROG_TEST_RUN).
#include <thread>

#include "tests/bpf/dns_room.h"

namespace blackstart {
namespace {

TEST_F(Dns, each_rcode_is_told_in_both_families_and_both_directions) {
    using enum DnsFault::Answer;
    const std::vector<std::pair<DnsFault::Answer, unsigned>> rcodes{{empty, 0},    {formerr, 1}, {servfail, 2},
                                                                    {nxdomain, 3}, {notimp, 4},  {refused, 5}};
    for (const auto& [answer, rcode] : rcodes) {
        arm(named({"db.test"}, answer));
        for (const auto& flow : {v4, v6})
            for (const auto* program : {"egress_l2", "ingress_l2"})
                for (const auto type : {A, AAAA, TXT, HTTPS, ANY})
                    expect_answer(flow, query("db.test", type), message(ANSWER | rcode, question("db.test", type)), program);
        EXPECT_EQ(injection->tally().hits, 20U);
        EXPECT_EQ(injection->tally().matched, 20U);
        injection.reset();
    }
}

TEST_F(Dns, flags_are_copied_or_cleared) {
    arm(named({"db.test"}));
    expect_answer(v4, message(0, question("db.test", A)), message(0x8080, question("db.test", A)));
    expect_answer(v4, message(RD | CD, question("db.test", A)), message(ANSWER | CD, question("db.test", A)));
    expect_answer(v4, message(RD | 0x0460, question("db.test", A)), message(ANSWER, question("db.test", A)));  // AA, Z, AD
}

TEST_F(Dns, an_answer_keeps_the_case_of_the_question) {
    arm(named({"Db.TEST."}));
    for (const auto* name : {"db.test", "DB.TEST", "dB.tEsT"}) expect_answer(v6, query(name, A), message(ANSWER, question(name, A)));
}

TEST_F(Dns, an_opt_is_answered_by_a_fresh_one) {
    arm(named({"db.test"}, DnsFault::Answer::servfail));
    const Bytes cookie = u16(10) + u16(8) + packet::text("cookies!");
    for (const auto& flow : {v4, v6}) {
        for (const bool dnssec_ok : {false, true}) {
            const Bytes answer = message(ANSWER | 2, question("db.test", A) + opt(1232, dnssec_ok), 0, 1);
            expect_answer(flow, message(RD, question("db.test", A) + opt(4096, dnssec_ok), 0, 1), answer);
            expect_answer(flow, message(RD, question("db.test", A) + opt(4096, dnssec_ok, cookie), 0, 1), answer);
            expect_answer(flow, message(RD, question("db.test", A) + opt(4096, dnssec_ok, cookie + cookie + Bytes(5)), 0, 1), answer);
        }
    }
}

TEST_F(Dns, addresses_answer_their_own_families) {
    auto fault = named({"db.test", "*.odd.test"}, DnsFault::Answer::addresses);
    fault.answers[0].addresses = {"192.0.2.1", "2001:db8::1", "192.0.2.2"};
    fault.ttl = seconds(70000);
    arm(fault);
    const Bytes four = record(A, 70000, "192.0.2.1") + record(A, 70000, "192.0.2.2"), six = record(AAAA, 70000, "2001:db8::1");
    for (const auto& flow : {v4, v6}) {
        // Names of odd and even length: the tail starts at an odd or an even offset.
        for (const std::string name : {"db.test", "a.odd.test", "ab.odd.test"}) {
            expect_answer(flow, query(name, A), message(ANSWER, question(name, A) + four, 2));
            expect_answer(flow, query(name, AAAA), message(ANSWER, question(name, AAAA) + six, 1));
            expect_answer(flow, query(name, TXT), message(ANSWER, question(name, TXT)));
            expect_answer(flow, message(RD, question(name, A) + opt(1232, true, Bytes(7)), 0, 1),
                          message(ANSWER, question(name, A) + four + opt(1232, true), 2, 1));
        }
    }
    EXPECT_EQ(injection->tally().unseen, 0U);
}

TEST_F(Dns, a_response_never_outgrows_its_limit) {
    const std::string name = std::string(60, 'a') + "." + std::string(60, 'b') + "." + std::string(60, 'c') + ".test";
    auto fault = named({name}, DnsFault::Answer::addresses);
    for (int i = 0; i < 16; i++) {
        fault.answers[0].addresses.push_back("192.0.2." + std::to_string(i));
        fault.answers[0].addresses.push_back("2001:db8::" + std::to_string(i));
    }
    arm(fault);
    Bytes four, six;
    for (int i = 0; i < 16; i++) four = four + record(A, 1, "192.0.2." + std::to_string(i));
    for (int i = 0; i < 16; i++) six = six + record(AAAA, 1, "2001:db8::" + std::to_string(i));
    const auto first = [](const Bytes& records, long count, long size) { return Bytes(records.begin(), records.begin() + count * size); };
    const Bytes q4 = question(name, A), q6 = question(name, AAAA);  // 193 octets: 512 - 12 - 193 = 307
    expect_answer(v4, message(RD, q4), message(ANSWER, q4 + four, 16));
    expect_answer(v4, message(RD, q6), message(ANSWER | 0x0200, q6 + first(six, 10, 28), 10));
    expect_answer(v6, message(RD, q6 + opt(100), 0, 1), message(ANSWER | 0x0200, q6 + first(six, 10, 28) + opt(1232), 10, 1));
    expect_answer(v6, message(RD, q6 + opt(600), 0, 1), message(ANSWER | 0x0200, q6 + first(six, 13, 28) + opt(1232), 13, 1));
    expect_answer(v6, message(RD, q6 + opt(1232), 0, 1), message(ANSWER, q6 + six + opt(1232), 16, 1));
}

TEST_F(Dns, names_match_exactly_or_below_a_suffix) {
    const std::string longest = std::string(63, 'x') + "." + std::string(63, 'y') + "." + std::string(63, 'z') + "." + std::string(61, 'w');
    std::string deepest = "a";
    for (int i = 1; i < 127; i++) deepest += ".a";
    arm(named({"db.test", "*.svc.test", "*.a.a", longest, "eightchr.test", "*.sevench"}));
    for (const auto& name : {std::string("db.test"), std::string("a.svc.test"), std::string("a.b.c.SVC.test"), longest, deepest,
                             std::string("eightchr.test"), std::string("x.sevench"), std::string("b.a.a")})
        expect_answer(v4, query(name, A), message(ANSWER, question(name, A)));
    const auto hits = injection->tally().hits;
    for (const auto& name :
         {std::string("svc.test"), std::string("a.db.test"), std::string("test"), std::string("db.tes"), std::string("db.testt"),
          std::string("adb.test"), std::string(""), std::string("asvc.test"), std::string("a.a"), std::string("xsvc.test"),
          "b" + longest.substr(1), std::string("eightchs.test"), std::string("sevench"), std::string("db.test.a")})
        expect_untouched(packet::udp(v4, query(name, A)));
    EXPECT_EQ(injection->tally().hits, hits);
    EXPECT_EQ(injection->tally().matched, hits);
    EXPECT_EQ(injection->tally().unseen, 0U);
}

TEST_F(Dns, a_star_alone_is_every_name_but_the_root) {
    arm(named({"*"}));
    expect_answer(v4, query("db.test", A), message(ANSWER, question("db.test", A)));
    expect_answer(v4, query("test", A), message(ANSWER, question("test", A)));
    expect_untouched(packet::udp(v4, query("", A)));
    arm(named({"."}));
    expect_answer(v4, query("", 6), message(ANSWER, question("", 6)));
}

TEST_F(Dns, thousands_of_names_cost_one_lookup) {
    std::vector<std::string> names;
    for (int i = 0; i < 5000; i++) names.push_back("host-" + std::to_string(i) + ".svc.test");
    arm(named(names));
    expect_answer(v4, query("HOST-4711.svc.test", A), message(ANSWER, question("HOST-4711.svc.test", A)));
    expect_untouched(packet::udp(v4, query("host-5000.svc.test", A)));
}

TEST_F(Dns, only_the_types_servers_and_port_asked_for) {
    auto fault = named({"db.test"});
    fault.types = {A, HTTPS, 65280};
    fault.servers = {"10.0.0.0/24", "fd00::2"};
    fault.port = 5353;
    arm(fault);
    Flow to = v4, to6 = v6;
    to.destination_port = to6.destination_port = 5353;
    for (const auto type : {A, HTTPS, 65280U})
        for (const auto& flow : {to, to6}) expect_answer(flow, query("db.test", type), message(ANSWER, question("db.test", type)));
    const auto matched = injection->tally().matched;
    expect_untouched(packet::udp(to, query("db.test", AAAA)));
    expect_untouched(packet::udp(v4, query("db.test", A)));
    to.destination = "10.0.1.2";
    to6.destination = "fd00::3";
    expect_untouched(packet::udp(to, query("db.test", A)));
    expect_untouched(packet::udp(to6, query("db.test", A)));
    EXPECT_EQ(injection->tally().matched, matched);
}

TEST_F(Dns, servers_of_one_family_are_none_of_the_other) {
    auto fault = named({"db.test"});
    fault.servers = {"::/0", "10.0.1.0/24"};
    arm(fault);
    expect_answer(v6, query("db.test", A), message(ANSWER, question("db.test", A)));
    expect_untouched(packet::udp(v4, query("db.test", A)));
    Flow listed = v4;
    listed.destination = "10.0.1.2";
    expect_answer(listed, query("db.test", A), message(ANSWER, question("db.test", A)));
    fault.servers = {"0.0.0.0/0"};
    arm(fault);
    expect_untouched(packet::udp(v6, query("db.test", A)));
    expect_answer(v4, query("db.test", A), message(ANSWER, question("db.test", A)));
}

TEST_F(Dns, timeout_consumes_the_query_and_says_nothing) {
    arm(named({"db.test"}, DnsFault::Answer::timeout));
    EXPECT_EQ(pass("egress_l2", packet::udp(v4, query("db.test", A))).verdict, kRedirect);  // to no device
    EXPECT_EQ(pass("ingress_l2", packet::udp(v6, query("db.test", A))).verdict, kShot);
    expect_untouched(packet::udp(v4, query("other.test", A)));
    EXPECT_EQ(injection->tally().hits, 2U);
}

TEST_F(Dns, on_lo_the_answer_goes_on_in_place) {
    arm(named({"db.test"}, DnsFault::Answer::nxdomain), "lo");
    Flow local{.source = "127.0.0.1", .destination = "127.0.0.53", .source_mac = {}, .destination_mac = {}};
    auto out = pass("egress_l2", packet::udp(local, query("db.test", A)), "lo");
    EXPECT_EQ(out.verdict, kNext);
    EXPECT_EQ(out.frame, packet::udp(local.reversed(), message(ANSWER | 3, question("db.test", A))));
    local.source = local.destination = "::1";
    out = pass("egress_l2", packet::udp(local, query("db.test", A)), "lo");
    EXPECT_EQ(out.frame, packet::udp(local.reversed(), message(ANSWER | 3, question("db.test", A))));
}

TEST_F(Dns, what_is_no_plain_query_passes_untouched) {
    arm(named({"db.test"}));
    const Bytes q = question("db.test", A);
    for (const auto& flow : {v4, v6}) {
        expect_untouched(packet::udp(flow, message(0x8180, q)));                        // a response
        expect_untouched(packet::udp(flow, message(0x2800, q)));                        // UPDATE
        expect_untouched(packet::udp(flow, message(0x2000, q)));                        // NOTIFY
        expect_untouched(packet::udp(flow, message(RD, question("db.test", TXT, 3))));  // class CH
        expect_untouched(packet::tcp(flow, 1, 1, packet::PSH | packet::ACK, u16(27) + query("other.test", A)));
        EXPECT_EQ(injection->tally().unseen, 0U);

        const Bytes tsig = Bytes{0} + u16(TSIG) + u16(255) + u32(0) + u16(0);
        expect_unseen(packet::udp(flow, message(RD, q + tsig, 0, 1)));
        expect_unseen(packet::udp(flow, message(RD, q + opt(1232) + tsig, 0, 2)));
        expect_unseen(packet::udp(flow, message(RD, q + opt(1232), 0, 0)));  // stray octets
        expect_unseen(packet::udp(flow, message(RD, q + opt(1232) + Bytes{1}, 0, 1)));
        expect_unseen(packet::udp(flow, message(RD, q + opt(1232, false, {}, 1), 0, 1)));  // EDNS version 1
        expect_unseen(packet::udp(flow, message(RD, q, 0, 1)));                            // no room for its OPT
        expect_unseen(packet::udp(flow, message(RD, q + record(A, 1, "192.0.2.1"), 1)));
        expect_unseen(packet::udp(flow, message(RD, q + q, 0, 0, 2)));
        expect_unseen(packet::udp(flow, message(RD, {}, 0, 0, 0)));
        expect_unseen(packet::udp(flow, message(RD | 0x0200, q)));                     // truncated
        expect_unseen(packet::udp(flow, message(RD, u16(0xc00c) + u16(A) + u16(1))));  // compressed
        expect_unseen(packet::udp(flow, message(RD, Bytes{2, 'd', 'b', 0xc0, 12} + u16(A) + u16(1))));
        expect_unseen(packet::udp(flow, message(RD, Bytes{40, 'd', 'b', 0, 0, 1, 0, 1})));  // a label past the end
        expect_unseen(packet::udp(flow, message(RD, wire("db.test") + u16(A))));            // no class
        expect_unseen(packet::udp(flow, message(RD, wire("db.test"))));
        expect_unseen(packet::udp(flow, Bytes{1, 2, 3}));
        expect_unseen(packet::udp(flow, {}));
        Bytes overlong;
        for (int i = 0; i < 5; i++) overlong = overlong + Bytes{63} + Bytes(63, 'a');
        expect_unseen(packet::udp(flow, message(RD, overlong + Bytes{0} + u16(A) + u16(1))));
        Bytes endless;
        for (int i = 0; i < 200; i++) endless = endless + Bytes{1, 'a'};
        expect_unseen(packet::udp(flow, message(RD, endless + Bytes{0} + u16(A) + u16(1))));
        injection.reset();
        arm(named({"db.test"}));
    }
}

TEST_F(Dns, every_truncation_of_a_query_passes_untouched) {
    arm(named({"db.test"}));
    for (const auto& flow : {v4, v6}) {
        const Bytes whole = packet::udp(flow, message(RD, question("db.test", A) + opt(1232), 0, 1));
        for (std::size_t size = 14 + 40; size < whole.size(); size++)
            expect_untouched(Bytes(whole.begin(), whole.begin() + static_cast<long>(size)));
        const Bytes ask = message(RD, question("db.test", A) + opt(1232), 0, 1);
        for (std::size_t size = 0; size < ask.size(); size++)
            expect_untouched(packet::udp(flow, Bytes(ask.begin(), ask.begin() + static_cast<long>(size))));
    }
    EXPECT_EQ(injection->tally().matched, 0U);
}

TEST_F(Dns, packets_that_cannot_be_turned_round_pass_untouched) {
    arm(named({"db.test"}));
    Bytes fragment = packet::udp(v4, query("db.test", A));
    packet::put16(fragment, 14 + 6, 0x2000);
    expect_untouched(fragment);
    packet::put16(fragment, 14 + 6, 0x0003);
    expect_untouched(fragment);
    Flow multicast = v4, multicast6 = v6;
    multicast.destination = "224.0.0.251";
    multicast6.destination = "ff02::fb";
    expect_unseen(packet::udp(multicast, query("db.test", A)));
    expect_unseen(packet::udp(multicast6, query("db.test", A)));
    Flow bare = v6;
    bare.checksum = false;
    expect_unseen(packet::udp(bare, query("db.test", A)));
    Flow stranger = v4;
    stranger.destination_mac = {2, 0, 0, 0, 0, 9};
    expect_untouched(packet::udp(stranger, query("db.test", A)), "ingress_l2");
    const auto several = pass("egress_l2", packet::udp(v4, query("db.test", A)), "wire", 1, nullptr, 30);  // UDP_SEGMENT
    EXPECT_EQ(several.verdict, kNext);
}

TEST_F(Dns, extension_headers_are_kept_and_routing_headers_passed) {
    arm(named({"db.test"}, DnsFault::Answer::servfail));
    Flow flow = v6;
    flow.first_header = 0;  // hop-by-hop, then destination options, then UDP
    flow.extensions = Bytes{60, 0, 1, 4, 0, 0, 0, 0} + Bytes{17, 1, 1, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    const auto out = pass("egress_l2", packet::udp(flow, message(RD, question("db.test", A) + opt(512), 0, 1)));
    EXPECT_EQ(packet::damage(out.frame, 17, 24), "");
    EXPECT_EQ(out.frame, packet::udp(flow.reversed(), message(ANSWER | 2, question("db.test", A) + opt(1232), 0, 1)));
    flow.first_header = 43;
    flow.extensions = Bytes{17, 0, 4, 0, 0, 0, 0, 0};
    expect_unseen(packet::udp(flow, query("db.test", A)));
    flow.first_header = 44;
    expect_untouched(packet::udp(flow, query("db.test", A)));
}

TEST_F(Dns, odd_headers_come_out_right) {
    arm(named({"db.test"}));
    Flow bare = v4;
    bare.checksum = false;
    const Bytes ask = message(RD, question("db.test", A) + opt(512), 0, 1);
    const auto out = pass("egress_l2", packet::udp(bare, ask));
    EXPECT_EQ(packet::get16(out.frame, 34 + 6), 0U);  // no checksum stays none
    EXPECT_EQ(packet::damage(out.frame, 17), "");
    Flow far = v4;
    far.ttl = 1;  // would not find its way back
    expect_answer(far, ask, message(ANSWER, question("db.test", A) + opt(1232), 0, 1), "ingress_l2");
    // Link-layer padding is no part of the packet.
    const auto padded = pass("ingress_l2", packet::udp(v4, ask) + Bytes(9, 0xaa));
    EXPECT_EQ(padded.frame, packet::udp(v4.reversed(), message(ANSWER, question("db.test", A) + opt(1232), 0, 1)));
}

TEST_F(Dns, a_checksum_that_comes_out_as_zero_is_sent_as_ffff) {
    arm(named({"db.test"}));
    const auto numbered = [](unsigned id, Bytes ask) {
        packet::put16(ask, 0, id);
        return ask;
    };
    for (const auto& flow : {v4, v6}) {
        const auto plain = pass("egress_l2", packet::udp(flow, numbered(0, query("db.test", A))));
        const unsigned check = packet::get16(plain.frame, packet::upper_at(plain.frame) + 6);
        const auto out = pass("egress_l2", packet::udp(flow, numbered(check, query("db.test", A))));
        EXPECT_EQ(packet::get16(out.frame, packet::upper_at(out.frame) + 6), 0xffffU);
        EXPECT_EQ(packet::damage(out.frame, 17), "");
    }
}

TEST_F(Dns, a_share_or_a_cycle_of_the_matching_queries) {
    Terms terms;
    terms.cycle = Cycle{.fail = 3, .pass = 2};
    arm(named({"db.test"}), "wire", terms);
    std::string pattern;
    for (int i = 0; i < 10; i++) pattern += pass("egress_l2", packet::udp(v4, query("db.test", A))).verdict == kRedirect ? 'x' : '.';
    EXPECT_EQ(pattern, "xxx..xxx..");
    EXPECT_EQ(injection->tally().matched, 10U);
    EXPECT_EQ(injection->tally().hits, 6U);
    injection.reset();

    terms = {};
    terms.probability = 0.3;
    terms.seed = 7;
    arm(named({"db.test"}), "wire", terms);
    for (int i = 0; i < 2000; i++) pass("egress_l2", packet::udp(v4, query("db.test", A)));
    EXPECT_NEAR(static_cast<double>(injection->tally().hits), 600, 80);
    EXPECT_EQ(injection->tally().matched, 2000U);
}

TEST_F(Dns, nothing_happens_after_the_end_or_the_lease) {
    Terms terms;
    terms.duration = terms.lease = std::chrono::milliseconds(50);
    injection = inject(named({"db.test"}), room.target("wire"), terms);
    std::this_thread::sleep_for(std::chrono::milliseconds(60));
    expect_untouched(packet::udp(v4, query("db.test", A)));
    EXPECT_FALSE(injection->tally().lapsed);
    injection.reset();

    terms.duration = seconds(60);
    injection = inject(named({"db.test"}), room.target("wire"), terms);
    std::this_thread::sleep_for(std::chrono::milliseconds(60));
    expect_untouched(packet::udp(v4, query("db.test", A)));
    EXPECT_TRUE(injection->tally().lapsed);
    EXPECT_FALSE(injection->renew());
    expect_untouched(packet::udp(v4, query("db.test", A)));
    EXPECT_EQ(injection->tally().hits, 0U);
}

}  // namespace
}  // namespace blackstart
