// HAProxy's agent checks: the line that an agent says first on each connection, on the real programs.
#include "tests/bpf/conversation.h"

namespace blackstart {
namespace {

struct Agent : Conversation {
    Connection connection;

    void told(HealthFault::Result result, const std::vector<std::string>& from = {}) {
        HealthFault fault;
        fault.ports = {8080};
        fault.protocol = HealthFault::Protocol::agent_check;
        fault.result = result;
        fault.from = from;
        arm(fault);
    }
    // A new connection up to its handshake.
    void connect() {
        connection.flow.source_port++;
        connection.untouched(connection.to_server("", packet::SYN), true);
        connection.client++;
        connection.untouched(connection.to_client("", packet::SYN | packet::ACK), false);
        connection.server++;
        connection.untouched(connection.to_server("", packet::ACK), true);
    }
    // What the checker hears if the agent says this.
    std::string heard(const std::string& line) {
        connect();
        return connection.answer(line);
    }
};

TEST_F(Agent, AWordAndAWeightBecomeTheirOpposites) {
    told(HealthFault::Result::not_serving);
    EXPECT_EQ(heard("up 100%\n"), "down   \n");
    EXPECT_EQ(heard("UP\t50%\r\n"), "down  \r\n");
    EXPECT_EQ(heard("75%\n"), "0% \n");
    EXPECT_EQ(heard("100% up\n"), "0%     \n");
    EXPECT_EQ(heard("5%\nmore"), "0%\nmore");
    expect_tally(5, 5);
}

TEST_F(Agent, WhatHasNoOppositeOfItsLengthPassesUnseen) {
    told(HealthFault::Result::not_serving);
    for (const auto* line :
         {"up\n", "upward\n", "ready\n", "drain\n", "\n", "up 100%", "75\n", "hello, this line is longer than what is read\n"})
        EXPECT_EQ(heard(line), line);
    expect_tally(8, 0, 8);
    for (const auto* line : {"down #sick\n", "0%\n"}) EXPECT_EQ(heard(line), line);
    expect_tally(10, 0, 8);
}

TEST_F(Agent, AnAgentThatSaysDownIsShownUp) {
    told(HealthFault::Result::pass);
    EXPECT_EQ(heard("down\n"), "up  \n");
    EXPECT_EQ(heard("down #sick\r\n"), "up        \r\n");
    EXPECT_EQ(heard("up\n"), "up\n");
    EXPECT_EQ(heard("75%\n"), "75%\n");
    expect_tally(4, 2);
}

TEST_F(Agent, OnlyTheFirstLineAndOnlyOfTheCheckersIsChanged) {
    told(HealthFault::Result::not_serving, {"10.0.0.0/24"});
    connect();
    connection.send("who are you\n");
    EXPECT_EQ(connection.answer("up 100%\n"), "down   \n");
    EXPECT_EQ(connection.answer("up 100%\n"), "up 100%\n");
    connection.flow.source = "10.0.9.1";
    EXPECT_EQ(heard("up 100%\n"), "up 100%\n");
    expect_tally(1, 1);
}

TEST_F(Agent, SoItIsOverIpv6AndOnTheCheckingSideAndWhenItIsSentAgain) {
    connection.flow.source = "fd00::1";
    connection.flow.destination = "fd00::2";
    connection.side = Side::checking;
    told(HealthFault::Result::not_serving);
    EXPECT_EQ(heard("up 100%\n"), "down   \n");
    connection.server -= 8;
    EXPECT_EQ(connection.answer("up 100%\n"), "down   \n");
    expect_tally(1, 1);
}

TEST_F(Agent, TimeoutDropsTheLineAndResetTakesItsPlace) {
    told(HealthFault::Result::timeout);
    connect();
    EXPECT_EQ(connection.arrive(connection.to_client("ready\n"), false).verdict, kRedirect);
    expect_tally(1, 1);
    told(HealthFault::Result::reset);
    connect();
    const auto out = connection.arrive(connection.to_client("up\n"), false);
    EXPECT_EQ(packet::damage(out.frame, kTcp), "");
    EXPECT_EQ(out.frame.size(), connection.to_client("").size());
    expect_tally(1, 1);
}

}  // namespace
}  // namespace blackstart
