// What the tests of the dns program share: messages, and a fault armed in a room.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "injector/dns.h"
#include "tests/bpf/packet.h"
#include "tests/bpf/room.h"

namespace blackstart {

using packet::Bytes;
using packet::Flow;
using packet::operator+;
using packet::u16;
using packet::u32;
using std::chrono::seconds;

constexpr unsigned A = 1, TXT = 16, AAAA = 28, HTTPS = 65, TSIG = 250, ANY = 255;
const Flow v4;
const Flow v6{.source = "fd00::1", .destination = "fd00::2"};

inline Bytes wire(const std::string& name) {
    Bytes out;
    for (std::size_t at = 0; at < name.size();) {
        const auto dot = std::min(name.find('.', at), name.size());
        out = out + Bytes{static_cast<std::uint8_t>(dot - at)} + packet::text(name.substr(at, dot - at));
        at = dot + 1;
    }
    return out + Bytes{0};
}

inline Bytes opt(unsigned size, bool dnssec_ok = false, const Bytes& options = {}, unsigned version = 0) {
    return Bytes{0} + u16(41) + u16(size) + u16(version) + u16(dnssec_ok ? 0x8000 : 0) + u16(static_cast<unsigned>(options.size())) +
           options;
}

inline Bytes question(const std::string& name, unsigned type, unsigned klass = 1) { return wire(name) + u16(type) + u16(klass); }

inline Bytes message(unsigned flags, const Bytes& body, unsigned answers = 0, unsigned additional = 0, unsigned questions = 1) {
    return u16(0xbeef) + u16(flags) + u16(questions) + u16(answers) + u16(0) + u16(additional) + body;
}

constexpr unsigned RD = 0x0100, CD = 0x0010, ANSWER = 0x8180;  // QR, RD, RA

inline Bytes query(const std::string& name, unsigned type) { return message(RD, question(name, type)); }

inline Bytes record(unsigned type, unsigned ttl, const std::string& ip) {
    const Bytes data = packet::address(ip);
    return u16(0xc00c) + u16(type) + u16(1) + u32(ttl) + u16(static_cast<unsigned>(data.size())) + data;
}

struct Dns : testing::Test {
    Room room;
    std::unique_ptr<Injection> injection;

    void arm(DnsFault fault, const std::string& interface = "wire", Terms terms = {}) {
        terms.duration = seconds(60);
        terms.lease = seconds(60);
        injection = inject(fault, room.target(interface), terms);
    }
    static DnsFault named(std::vector<std::string> names, DnsFault::Answer answer = DnsFault::Answer::empty) {
        DnsFault fault;
        fault.names = std::move(names);
        fault.answers = {{answer, {}}};
        return fault;
    }
    // The query must come back as exactly this message, with every length and checksum right.
    static void expect_answer(const Flow& flow, const Bytes& ask, const Bytes& answer, const std::string& program = "egress_l2") {
        const auto out = pass(program, packet::udp(flow, ask));
        EXPECT_EQ(out.verdict, kRedirect);
        EXPECT_EQ(packet::damage(out.frame, 17), "");
        auto back = flow.reversed();
        back.ttl = 64;
        EXPECT_EQ(out.frame, packet::udp(back, answer));
    }
    static void expect_untouched(const Bytes& frame, const std::string& program = "egress_l2") {
        const auto out = pass(program, frame);
        EXPECT_EQ(out.verdict, kNext);
        EXPECT_EQ(out.frame, frame);
    }
    void expect_unseen(const Bytes& frame) {
        const auto before = injection->tally();
        expect_untouched(frame);
        EXPECT_EQ(injection->tally().unseen, before.unseen + 1);
        EXPECT_EQ(injection->tally().matched, before.matched);
    }
};

}  // namespace blackstart
