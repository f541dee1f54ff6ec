#include "injector/hpack.h"

#include <gtest/gtest.h>

#include "injector/kernel/error.h"

namespace blackstart {
namespace {

std::string hex(const HuffmanCode& code) {
    std::string text;
    for (const auto octet : code.octets) {
        text += "0123456789abcdef"[octet >> 4];
        text += "0123456789abcdef"[octet & 15];
    }
    return text;
}

// RFC 7541 C.4.1, and what health clients of Go and nghttp2 send.
TEST(Hpack, TextsHaveTheHuffmanCodeOfTheRfc) {
    EXPECT_EQ(hex(huffman_code("www.example.com")), "f1e3c2e5f23a6ba0ab90f4ff");
    EXPECT_EQ(hex(huffman_code("/grpc.health.v1.Health/Check")), "626b2b22f394742675fb857c651d099d8bd3949d7f");
    EXPECT_EQ(hex(huffman_code("custom-key")), "25a849e95ba97d7f");
    EXPECT_EQ(hex(huffman_code("/healthz?deep=1")), "62728e84cfeffc90a5ae00ff");
    EXPECT_EQ(huffman_code("/").bits, 6U);
    EXPECT_TRUE(huffman_code("").octets.empty());
}

TEST(Hpack, WhatIsNoPrintableAsciiIsRefused) {
    EXPECT_THROW(huffman_code("/a b\n"), Misuse);
    EXPECT_THROW(huffman_code("/\xc3\xa9"), Misuse);
}

}  // namespace
}  // namespace blackstart
