// HTTP/2 and gRPC as they go over the wire (RFC 9113, RFC 7541), and a connection of them with a fault on it.
#pragma once

#include "tests/bpf/conversation.h"

namespace blackstart {

using std::string_literals::operator""s;

const std::string preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + "\0\0\0\4\0\0\0\0\0"s;
const std::string settings = "\0\0\0\4\0\0\0\0\0\0\0\0\4\1\0\0\0\0"s;

enum : unsigned { kEndStream = 1, kEndHeaders = 4, kPadded = 8, kPriority = 0x20 };

inline std::string frame(unsigned type, unsigned flags, unsigned stream, const std::string& content) {
    const auto size = content.size();
    std::string head{static_cast<char>(size >> 16), static_cast<char>(size >> 8), static_cast<char>(size), static_cast<char>(type),
                     static_cast<char>(flags)};
    for (const unsigned shift : {24U, 16U, 8U, 0U}) head += static_cast<char>(stream >> shift);
    return head + content;
}
inline std::string headers(unsigned stream, const std::string& block, unsigned flags = kEndHeaders) {
    return frame(1, flags, stream, block);
}
inline std::string body(unsigned stream, const std::string& content, unsigned flags = 0) { return frame(0, flags, stream, content); }

// Fields as they are sent (RFC 7541 §6).
inline std::string inserted(unsigned name, const std::string& value) {
    return std::string{static_cast<char>(0x40 | name), static_cast<char>(value.size())} + value;
}
inline std::string literal(const std::string& status) { return "\x08\x03" + status; }  // a :status that is not inserted
const std::string method = "\x83", scheme = "\x86";
const std::string health_path = "/grpc.health.v1.Health/Check";
const std::string health_huffman = "\x62\x6b\x2b\x22\xf3\x94\x74\x26\x75\xfb\x85\x7c\x65\x1d\x09\x9d\x8b\xd3\x94\x9d\x7f";
const std::string plain_path = inserted(4, health_path);
const std::string huffman_path = "\x44\x95" + health_huffman;
const std::string data_path = inserted(4, "/shop.Shop/Buy");

inline std::string message(char status) { return "\0\0\0\0\2\10"s + status; }
inline std::string grpc_answer(unsigned stream, char status) {
    return headers(stream, "\x88") + body(stream, message(status)) +
           headers(stream,
                   "\x40\x0bgrpc-status\x01"
                   "0",
                   kEndHeaders | kEndStream);
}
inline std::string grpc_request(unsigned stream, const std::string& path) {
    return headers(stream, method + scheme + path) + body(stream, "\0\0\0\0\0"s, kEndStream);
}

struct Http2 : Conversation {
    Connection connection;

    static HealthFault fault_of(HealthFault::Protocol protocol, HealthFault::Result result) {
        HealthFault fault;
        fault.ports = {8080};
        fault.protocol = protocol;
        fault.result = result;
        if (protocol == HealthFault::Protocol::http2) fault.path = "/healthz";
        return fault;
    }
    const HealthFault told_not_serving = fault_of(HealthFault::Protocol::grpc, HealthFault::Result::not_serving);

    void connect(Connection& c) {
        c.untouched(c.to_server("", packet::SYN), true);
        c.client++;
        c.untouched(c.to_client("", packet::SYN | packet::ACK), false);
        c.server++;
    }
    void open(Connection& c) {
        connect(c);
        c.send(preface);
        EXPECT_EQ(c.answer(settings), settings);
    }
    // The answer that a check gets which asks for this path, if the service says this status.
    std::string asked(unsigned stream, const std::string& path, char status = 1) {
        return connection.ask(grpc_request(stream, path), grpc_answer(stream, status));
    }
    void grpc(HealthFault::Result result = HealthFault::Result::not_serving, Terms terms = {}) {
        arm(fault_of(HealthFault::Protocol::grpc, result), terms);
        open(connection);
    }
    void http2(std::uint16_t status, HealthFault::Result result = HealthFault::Result::status) {
        auto fault = fault_of(HealthFault::Protocol::http2, result);
        fault.status = status;
        arm(fault);
        open(connection);
    }
};

}  // namespace blackstart
