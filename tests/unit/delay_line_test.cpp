#include "injector/kernel/delay_line.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <cstring>
#include <string>

#include "injector/kernel/lease.h"

namespace blackstart {
namespace {

using std::chrono::milliseconds;

void put(HeldPackets& held, const std::string& packet, std::uint64_t due) {
    const auto room = held.room();
    ASSERT_GE(room.size(), packet.size());
    std::memcpy(room.data(), packet.data(), packet.size());
    held.keep(packet.size(), due);
}

std::string take(HeldPackets& held) {
    const auto first = held.first();
    std::string packet(reinterpret_cast<const char*>(first.data()), first.size());
    held.release_first();
    return packet;
}

TEST(HeldPackets, come_out_by_due_time_and_in_order_where_that_is_the_same) {
    HeldPackets held;
    put(held, "c", 30);
    put(held, "a", 10);
    put(held, "b1", 20);
    put(held, "b2", 20);
    EXPECT_EQ(held.first_due_ns(), 10U);
    for (const auto* next : {"a", "b1", "b2", "c"}) EXPECT_EQ(take(held), next);
    EXPECT_TRUE(held.empty());
}

TEST(HeldPackets, are_bounded_in_bytes_and_what_is_released_makes_room) {
    HeldPackets held;
    const std::string large(65'000, 'x');
    std::size_t count = 0;
    while (!held.room().empty()) put(held, large, ++count);
    EXPECT_LE(count * large.size(), HeldPackets::kCapacity);
    EXPECT_GE(count * large.size(), HeldPackets::kCapacity * 3 / 4);
    for (std::size_t i = 0; i < 20; i++) take(held);
    EXPECT_FALSE(held.room().empty());
    while (!held.empty()) EXPECT_EQ(take(held).size(), large.size());
    EXPECT_FALSE(held.room().empty());
}

TEST(HeldPackets, keep_their_bytes_while_others_come_and_go_out_of_order) {
    HeldPackets held;
    std::uint64_t draw = 1, now = 0;
    std::size_t seen = 0;
    for (int i = 0; i < 200'000; i++) {
        draw = draw * 6364136223846793005ULL + 1442695040888963407ULL;
        const auto due = now + (draw >> 33) % 5000;
        put(held, std::string(1 + (draw >> 40) % 1500, static_cast<char>('a' + due % 26)), due);
        now += 1;
        while (!held.empty() && held.first_due_ns() <= now) {
            const char expected = static_cast<char>('a' + held.first_due_ns() % 26);
            const auto packet = take(held);
            ASSERT_EQ(packet, std::string(packet.size(), expected));
            seen++;
        }
    }
    EXPECT_EQ(seen + held.size(), 200'000U);
}

// A pair of packet sockets stands for the device: what is written to one end comes out of it again, later.
struct Line : testing::Test {
    unique_fd device, wire;

    Line() {
        int ends[2];
        if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) throw std::runtime_error("socketpair");
        device.reset(ends[0]);
        wire.reset(ends[1]);
        ::fcntl(device.get(), F_SETFL, O_NONBLOCK);
    }
    void send(const std::string& packet) const {
        ASSERT_EQ(::send(wire.get(), packet.data(), packet.size(), 0), static_cast<ssize_t>(packet.size()));
    }
    [[nodiscard]] std::string receive(int flags = 0) const {
        char packet[100];
        const auto size = ::recv(wire.get(), packet, sizeof packet, flags);
        return size < 0 ? "" : std::string(packet, static_cast<std::size_t>(size));
    }
};

TEST_F(Line, holds_each_packet_for_the_delay_and_never_less) {
    const DelayLine line(device.get(), {.delay = milliseconds(30), .lease = milliseconds(2000)});
    for (int i = 0; i < 5; i++) {
        const auto start = monotonic_ns();
        send("packet");
        EXPECT_EQ(receive(), "packet");
        const auto took = monotonic_ns() - start;
        EXPECT_GE(took, 30'000'000U);
        EXPECT_LT(took, 130'000'000U);
    }
    EXPECT_TRUE(line.fresh());
    EXPECT_EQ(line.dropped(), 0U);
}

TEST_F(Line, keeps_the_order_of_what_it_holds) {
    const DelayLine line(device.get(), {.delay = milliseconds(10), .lease = milliseconds(2000)});
    for (int i = 0; i < 50; i++) send(std::to_string(i));
    for (int i = 0; i < 50; i++) EXPECT_EQ(receive(), std::to_string(i));
}

TEST_F(Line, sends_on_what_it_holds_when_it_ends) {
    const auto start = monotonic_ns();
    {
        const DelayLine line(device.get(), {.delay = std::chrono::minutes(5), .lease = milliseconds(2000)});
        for (int i = 0; i < 20; i++) send(std::to_string(i));
    }
    for (int i = 0; i < 20; i++) EXPECT_EQ(receive(MSG_DONTWAIT), std::to_string(i));
    EXPECT_LT(monotonic_ns() - start, 5'000'000'000U);
}

TEST_F(Line, draws_the_same_jitter_from_the_same_seed_and_never_a_negative_delay) {
    std::string orders[2];
    for (auto& order : orders) {
        const DelayLine line(device.get(), {.delay = milliseconds(20), .jitter = milliseconds(60), .lease = milliseconds(2000), .seed = 7});
        for (char c = 'a'; c <= 'j'; c++) send(std::string(1, c));
        for (int i = 0; i < 10; i++) order += receive();
    }
    EXPECT_EQ(orders[0], orders[1]);
    EXPECT_NE(orders[0], "abcdefghij");
}

// As they come from the device: a virtio-net header, Ethernet with a tag, IPv4, UDP.
std::string frame(bool inward, std::size_t size) {
    std::string out(10 + 12, '\0');
    out += std::string("\x88\xa8", 2) + std::string(inward ? "\x80\x00" : "\x00\x00", 2) + std::string("\x08\x00", 2) + '\x45';
    out.resize(10 + 18 + size, 'x');
    return out;
}

TEST_F(Line, lets_through_no_more_than_its_rate_each_way_and_drops_what_would_wait_too_long) {
    // 1014 bytes, Ethernet and all, at 100 kbit/s: 81 ms each
    const DelayLine line(device.get(), {.lease = milliseconds(2000), .rate = 100'000, .queue = milliseconds(500)});
    const auto start = monotonic_ns();
    for (int i = 0; i < 20; i++)
        for (const bool inward : {false, true}) {
            const auto packet = frame(inward, 1000);
            ASSERT_EQ(::send(wire.get(), packet.data(), packet.size(), 0), static_cast<ssize_t>(packet.size()));
        }
    int through = 0;
    while (through + static_cast<int>(line.dropped()) < 40) {
        ASSERT_LT(monotonic_ns() - start, 10'000'000'000U) << through << " through, " << line.dropped() << " dropped";
        if (!receive(MSG_DONTWAIT).empty()) through++;
    }
    EXPECT_GE(through, 12);
    EXPECT_GE(line.dropped(), 10U);
    EXPECT_GE(line.applied().max_ns, 450'000'000U);
}

TEST_F(Line, flips_one_bit_behind_the_ip_header) {
    const DelayLine line(device.get(), {.lease = milliseconds(2000), .seed = 3, .corrupt = true});
    const auto sent = frame(false, 60);
    for (int i = 0; i < 50; i++) {
        send(sent);
        const auto came = receive();
        ASSERT_EQ(came.size(), sent.size());
        int flipped = 0;
        for (std::size_t at = 0; at < sent.size(); at++) {
            const auto difference = static_cast<unsigned char>(sent[at] ^ came[at]);
            EXPECT_TRUE(difference == 0 || at >= 10 + 18 + 20) << at;
            flipped += __builtin_popcount(difference);
        }
        EXPECT_EQ(flipped, 1);
    }
}

}  // namespace
}  // namespace blackstart
