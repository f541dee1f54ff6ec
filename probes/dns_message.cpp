#include "probes/dns_message.h"

#include <arpa/inet.h>
#include <ldns/ldns.h>

#include <algorithm>
#include <array>
#include <memory>

#include "injector/kernel/error.h"
#include "probes/sockets.h"

namespace blackstart {

namespace {

constexpr std::size_t header_size = 12;
constexpr std::uint8_t response = 0x80, truncation = 0x02;  // of byte 2
constexpr std::uint16_t edns_size = 1232;

template <auto Free> struct Freeing {
    template <class T> void operator()(T* object) const { Free(object); }
};
using Packet = std::unique_ptr<ldns_pkt, Freeing<ldns_pkt_free>>;
using Buffer = std::unique_ptr<ldns_buffer, Freeing<ldns_buffer_free>>;

std::uint16_t count_at(std::span<const std::uint8_t> message, std::size_t offset) {
    return static_cast<std::uint16_t>(message[offset] << 8 | message[offset + 1]);
}

std::uint8_t small(std::uint8_t c) { return c >= 'A' && c <= 'Z' ? static_cast<std::uint8_t>(c | 0x20) : c; }

// The question of a query of ours: a name (never compressed), type, class.
std::span<const std::uint8_t> question_of(std::span<const std::uint8_t> query) {
    std::size_t end = header_size;
    while (query[end] != 0) end += 1U + query[end];
    return query.subspan(header_size, end + 5 - header_size);
}

bool answers(std::span<const std::uint8_t> message, std::span<const std::uint8_t> query) {
    if (message.size() < header_size || message[0] != query[0] || message[1] != query[1] || (message[2] & response) == 0) return false;
    const auto questions = count_at(message, 4);
    if (questions == 0) return (message[3] & 0xf) != 0;  // an error may come without its question
    const auto question = question_of(query);
    if (questions != 1 || message.size() < header_size + question.size()) return false;
    // Letters only differ in a bit that type and class cannot be mistaken for: A is 1, IN is 1; but compare those exactly.
    const auto name_size = question.size() - 4;
    const auto theirs = message.subspan(header_size, question.size());
    return std::equal(question.begin(), question.begin() + static_cast<std::ptrdiff_t>(name_size), theirs.begin(),
                      [](std::uint8_t a, std::uint8_t b) { return small(a) == small(b); }) &&
           std::equal(question.end() - 4, question.end(), theirs.end() - 4);
}

std::string joined_strings(const ldns_rr* record) {
    std::string text;
    for (std::size_t i = 0; i < ldns_rr_rd_count(record); ++i) {
        const auto* data = ldns_rr_rdf(record, i);
        if (ldns_rdf_size(data) > 1) text.append(reinterpret_cast<const char*>(ldns_rdf_data(data)) + 1, ldns_rdf_size(data) - 1);
    }
    return text;
}

std::string address(int family, const ldns_rdf* data) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    ::inet_ntop(family, ldns_rdf_data(data), text.data(), text.size());
    return text.data();
}

std::string text_of(const ldns_rr* record, ldns_buffer* buffer) {
    const auto type = ldns_rr_get_type(record);
    if (type == LDNS_RR_TYPE_TXT) return joined_strings(record);
    if (type == LDNS_RR_TYPE_A) return address(AF_INET, ldns_rr_rdf(record, 0));
    if (type == LDNS_RR_TYPE_AAAA) return address(AF_INET6, ldns_rr_rdf(record, 0));
    std::string text;
    for (std::size_t i = 0; i < ldns_rr_rd_count(record); ++i) {
        ldns_buffer_clear(buffer);
        if (ldns_rdf2buffer_str(buffer, ldns_rr_rdf(record, i)) != LDNS_STATUS_OK) continue;
        if (i != 0) text += ' ';
        text.append(reinterpret_cast<const char*>(ldns_buffer_begin(buffer)), ldns_buffer_position(buffer));
    }
    return normal_answer(std::move(text), static_cast<std::uint16_t>(type));
}

std::vector<std::string> answers_of(const ldns_pkt* packet, std::uint16_t type) {
    std::vector<std::string> result;
    const Buffer buffer(ldns_buffer_new(LDNS_MIN_BUFLEN));
    const auto* section = ldns_pkt_answer(packet);
    for (std::size_t i = 0; i < ldns_rr_list_rr_count(section); ++i) {
        const auto* record = ldns_rr_list_rr(section, i);
        if (type != LDNS_RR_TYPE_ANY && ldns_rr_get_type(record) != type) continue;
        result.push_back(text_of(record, buffer.get()));
    }
    std::sort(result.begin(), result.end());
    result.erase(std::unique(result.begin(), result.end()), result.end());
    return result;
}

bool has_names(std::uint16_t type) {
    switch (type) {
        case LDNS_RR_TYPE_NS:
        case LDNS_RR_TYPE_CNAME:
        case LDNS_RR_TYPE_SOA:
        case LDNS_RR_TYPE_PTR:
        case LDNS_RR_TYPE_MX:
        case LDNS_RR_TYPE_SRV:
        case LDNS_RR_TYPE_DNAME:
            return true;
        default:
            return false;
    }
}

}  // namespace

std::vector<std::uint8_t> dns_query(const std::string& name, std::uint16_t type) {
    auto* qname = ldns_dname_new_frm_str(name.c_str());
    if (qname == nullptr) throw Misuse("'" + name + "' is not a DNS name");
    const Packet packet(ldns_pkt_query_new(qname, static_cast<ldns_rr_type>(type), LDNS_RR_CLASS_IN, LDNS_RD));
    ldns_pkt_set_edns_udp_size(packet.get(), edns_size);
    ldns_pkt_set_id(packet.get(), 0);
    std::uint8_t* wire = nullptr;
    std::size_t size = 0;
    if (ldns_pkt2wire(&wire, packet.get(), &size) != LDNS_STATUS_OK) throw Misuse("'" + name + "' makes no DNS query");
    std::vector<std::uint8_t> bytes(wire, wire + size);
    LDNS_FREE(wire);
    return bytes;
}

DnsParse parse_reply(std::span<const std::uint8_t> message, std::span<const std::uint8_t> query) {
    if (!answers(message, query)) return {};
    DnsReply reply;
    reply.rcode = message[3] & 0xf;
    reply.truncated = (message[2] & truncation) != 0;
    if (count_at(message, 6) == 0 || reply.truncated) return {std::move(reply), {}};
    ldns_pkt* parsed = nullptr;
    if (ldns_wire2pkt(&parsed, message.data(), message.size()) != LDNS_STATUS_OK) return {std::nullopt, NotAReply::malformed};
    const Packet packet(parsed);
    const auto question = question_of(query);
    reply.answers = answers_of(packet.get(), count_at(question, question.size() - 4));
    return {std::move(reply), {}};
}

std::string normal_answer(std::string text, std::uint16_t type) {
    if (type == LDNS_RR_TYPE_A || type == LDNS_RR_TYPE_AAAA) {
        const int family = type == LDNS_RR_TYPE_A ? AF_INET : AF_INET6;
        std::array<std::uint8_t, 16> bytes{};
        std::array<char, INET6_ADDRSTRLEN> normal{};
        if (::inet_pton(family, text.c_str(), bytes.data()) != 1) return text;
        return ::inet_ntop(family, bytes.data(), normal.data(), normal.size());
    }
    if (!has_names(type)) return text;
    text = small_letters(std::move(text));
    if (text.size() > 1 && text.ends_with('.') && !text.ends_with(" .")) text.pop_back();
    return text;
}

std::string rcode_name(std::uint8_t rcode) {
    constexpr std::array names{"noerror", "formerr", "servfail", "nxdomain", "notimp", "refused"};
    return rcode < names.size() ? names[rcode] : "rcode " + std::to_string(rcode);
}

}  // namespace blackstart
