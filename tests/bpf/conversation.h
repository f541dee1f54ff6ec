// Conversations between a checker and a checked host, packet by packet, on the real programs (BPF_PROG_TEST_RUN).
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "injector/health.h"
#include "tests/bpf/packet.h"
#include "tests/bpf/room.h"

namespace blackstart {

constexpr unsigned kTcp = 6;

const std::string ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

enum class Side { checked, checking };

// One TCP connection as the two programs of one side see it. Sequence numbers advance as the payload is sent.
struct Connection {
    packet::Flow flow{.source_port = 40000, .destination_port = 8080};
    Side side = Side::checked;
    std::uint32_t client = 1000, server = 5000;

    [[nodiscard]] packet::Bytes to_server(const std::string& payload, unsigned flags = packet::ACK | packet::PSH) const {
        return packet::tcp(flow, client, server, flags, packet::text(payload));
    }
    [[nodiscard]] packet::Bytes to_client(const std::string& payload, unsigned flags = packet::ACK | packet::PSH) const {
        return packet::tcp(flow.reversed(), server, client, flags, packet::text(payload));
    }
    [[nodiscard]] Outcome arrive(const packet::Bytes& frame, bool at_server) const {
        const bool ingress = at_server == (side == Side::checked);
        return pass(ingress ? "ingress_l2" : "egress_l2", frame);
    }
    // A packet that must pass as it is.
    void untouched(const packet::Bytes& frame, bool at_server) const {
        const auto out = arrive(frame, at_server);
        EXPECT_EQ(out.verdict, kNext);
        EXPECT_EQ(out.frame, frame);
    }
    void send(const std::string& payload) {
        untouched(to_server(payload), true);
        client += static_cast<std::uint32_t>(payload.size());
    }
    // The payload that the client gets for what the server sent.
    std::string answer(const std::string& payload) {
        const auto out = arrive(to_client(payload), false);
        EXPECT_EQ(out.verdict, kNext);
        EXPECT_EQ(packet::damage(out.frame, kTcp), "");
        server += static_cast<std::uint32_t>(payload.size());
        const auto got = packet::payload(out.frame, 20);
        return {got.begin(), got.end()};
    }
    std::string ask(const std::string& request, const std::string& response = ok) {
        send(request);
        return answer(response);
    }
};

struct Conversation : testing::Test {
    Room room;
    std::unique_ptr<Injection> injection;

    void arm(const HealthFault& fault, Terms terms = {}) {
        // Nobody renews here, and a busy machine takes its time: only a test of the lease has a short one.
        if (terms.lease == Terms{}.lease) terms.lease = std::chrono::minutes(1);
        if (terms.duration.count() == 0) terms.duration = std::chrono::seconds(60);
        injection.reset();
        injection = inject(fault, room.target("wire"), terms);
    }
    void expect_tally(std::uint64_t matched, std::uint64_t hits, std::uint64_t unseen = 0) const {
        const auto tally = injection->tally();
        EXPECT_EQ(tally.matched, matched);
        EXPECT_EQ(tally.hits, hits);
        EXPECT_EQ(tally.unseen, unseen);
    }
};

}  // namespace blackstart
