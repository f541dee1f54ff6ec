// Packets for BPF_PROG_TEST_RUN: built with right lengths and checksums, and asked afterwards whether they still have them.
#pragma once

#include <arpa/inet.h>

#include <array>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

namespace blackstart::packet {

using Bytes = std::vector<std::uint8_t>;

inline Bytes operator+(Bytes one, const Bytes& other) {
    one.insert(one.end(), other.begin(), other.end());
    return one;
}
inline Bytes text(std::string_view s) { return {s.begin(), s.end()}; }
inline Bytes u16(unsigned value) { return {static_cast<std::uint8_t>(value >> 8), static_cast<std::uint8_t>(value)}; }
inline Bytes u32(std::uint32_t value) { return u16(value >> 16) + u16(value & 0xffff); }
inline unsigned get16(const Bytes& from, std::size_t at) { return static_cast<unsigned>(from.at(at) << 8 | from.at(at + 1)); }
inline void put16(Bytes& to, std::size_t at, unsigned value) {
    to.at(at) = static_cast<std::uint8_t>(value >> 8);
    to.at(at + 1) = static_cast<std::uint8_t>(value);
}

// The one's complement sum (RFC 1071), folded, not yet complemented.
inline unsigned sum(const Bytes& bytes, unsigned before = 0) {
    unsigned total = before;
    for (std::size_t i = 0; i < bytes.size(); i += 2)
        total += static_cast<unsigned>(bytes[i] << 8) + (i + 1 < bytes.size() ? bytes[i + 1] : 0U);
    while (total >> 16) total = (total & 0xffff) + (total >> 16);
    return total;
}

// Who talks to whom. Both addresses of one family.
struct Flow {
    std::string source = "10.0.0.1", destination = "10.0.0.2";
    std::uint16_t source_port = 40000, destination_port = 53;
    bool checksum = true;   // false: UDP without one (0; IPv4 only)
    Bytes extensions = {};  // IPv6 extension headers; the first byte of each names the next: the last must name the L4 protocol
    int first_header = -1;  // the type of the first extension header
    std::uint8_t ttl = 64;
    std::array<std::uint8_t, 6> source_mac{2, 0, 0, 0, 0, 1}, destination_mac{2, 0, 0, 0, 0, 2};

    [[nodiscard]] bool v6() const { return source.find(':') != std::string::npos; }
    [[nodiscard]] Flow reversed() const {
        Flow other = *this;
        std::swap(other.source, other.destination);
        std::swap(other.source_port, other.destination_port);
        std::swap(other.source_mac, other.destination_mac);
        return other;
    }
};

inline Bytes address(const std::string& written) {
    Bytes out(written.find(':') != std::string::npos ? 16 : 4);
    if (::inet_pton(out.size() == 16 ? AF_INET6 : AF_INET, written.c_str(), out.data()) != 1) throw std::invalid_argument(written);
    return out;
}

inline Bytes ethernet(const Flow& flow) {
    Bytes out(flow.destination_mac.begin(), flow.destination_mac.end());
    out.insert(out.end(), flow.source_mac.begin(), flow.source_mac.end());
    return out + u16(flow.v6() ? 0x86dd : 0x0800);
}

// The Ethernet and IP headers in front of `upper`, and the checksum of `upper` put at `check_at`.
inline Bytes finish(const Flow& flow, unsigned protocol, Bytes upper, std::size_t check_at) {
    const Bytes ends = address(flow.source) + address(flow.destination);
    const auto size = static_cast<unsigned>(upper.size());
    if (flow.checksum) {
        const unsigned check = ~sum(upper, sum(ends + u16(size) + u16(protocol))) & 0xffff;
        put16(upper, check_at, check == 0 ? 0xffff : check);
    }
    if (flow.v6()) {
        const auto first = flow.first_header >= 0 ? static_cast<unsigned>(flow.first_header) : protocol;
        const Bytes header =
            u32(0x60000000) + u16(size + static_cast<unsigned>(flow.extensions.size())) + u16(first << 8 | flow.ttl) + ends;
        return ethernet(flow) + header + flow.extensions + upper;
    }
    Bytes header = u16(0x4500) + u16(20 + size) + u32(0x12344000) + u16(static_cast<unsigned>(flow.ttl << 8) | protocol) + u16(0) + ends;
    put16(header, 10, ~sum(header) & 0xffff);
    return ethernet(flow) + header + upper;
}

inline Bytes udp(const Flow& flow, const Bytes& payload) {
    const auto size = static_cast<unsigned>(payload.size() + 8);
    return finish(flow, 17, u16(flow.source_port) + u16(flow.destination_port) + u16(size) + u16(0) + payload, 6);
}

enum TcpFlag : unsigned { FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16 };

inline Bytes tcp(const Flow& flow, std::uint32_t seq, std::uint32_t ack, unsigned flags, const Bytes& payload) {
    const Bytes header =
        u16(flow.source_port) + u16(flow.destination_port) + u32(seq) + u32(ack) + u16(0x5000 | flags) + u16(0xffff) + u32(0);
    return finish(flow, 6, header + payload, 16);
}

// Where the upper layer begins: no IPv4 options, `extensions` octets of IPv6 extension headers.
inline std::size_t upper_at(const Bytes& frame, std::size_t extensions = 0) { return (frame.at(12) == 0x08 ? 34 : 54) + extensions; }

inline Bytes payload(const Bytes& frame, std::size_t header = 8, std::size_t extensions = 0) {
    const auto at = static_cast<std::ptrdiff_t>(upper_at(frame, extensions) + header);
    return {frame.begin() + at, frame.end()};
}

// What is wrong with the lengths and checksums of a UDP or TCP packet; "" if nothing is. The frame must end where the IP
// packet does.
inline std::string damage(const Bytes& frame, unsigned protocol, std::size_t extensions = 0) {
    const bool v6 = frame.at(12) != 0x08;
    const std::size_t l4 = upper_at(frame, extensions);
    const Bytes ip(frame.begin() + 14, frame.begin() + static_cast<std::ptrdiff_t>(l4));
    const Bytes upper(frame.begin() + static_cast<std::ptrdiff_t>(l4), frame.end());
    const auto size = static_cast<unsigned>(upper.size());
    if (!v6 && sum(ip) != 0xffff) return "IPv4 header checksum";
    if (!v6 && get16(ip, 2) != 20 + size) return "IPv4 total length";
    if (v6 && get16(ip, 4) != size + extensions) return "IPv6 payload length";
    if (protocol == 17 && get16(upper, 4) != size) return "UDP length";
    const unsigned check = get16(upper, protocol == 17 ? 6 : 16);
    if (protocol == 17 && check == 0) return v6 ? "UDP checksum 0 over IPv6" : "";
    const Bytes ends(v6 ? ip.begin() + 8 : ip.begin() + 12, v6 ? ip.begin() + 40 : ip.begin() + 20);
    return sum(upper, sum(ends + u16(size) + u16(protocol))) == 0xffff ? "" : "checksum of the upper layer";
}

}  // namespace blackstart::packet
