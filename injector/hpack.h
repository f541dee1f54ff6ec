// Strings of HTTP/2 header fields as they go over the wire (HPACK, RFC 7541 §5.2).
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace blackstart {

// The Huffman code of a text (RFC 7541, appendix B), the last octet filled up with ones as the end of a string is.
struct HuffmanCode {
    std::vector<std::uint8_t> octets;
    unsigned bits = 0;  // of the text itself
};
HuffmanCode huffman_code(std::string_view text);

}  // namespace blackstart
