#include "injector/dns.h"

#include <algorithm>

#include "experiments/parse/faults.h"
#include "injector/kernel/error.h"

namespace blackstart {
namespace {

// One of the answers by name, or the addresses to answer with.
struct Told {
    DnsFault::Answer answer = DnsFault::Answer::empty;
    std::vector<std::string> addresses;
};

std::string name_fault(const std::string& name) {
    try {
        parse_dns_name(name);
        return "";
    } catch (const Misuse& error) {
        return error.what();
    }
}

bool is_address(const Datum& datum) { return datum.type == Datum::Type::text && address_fault(datum.text).empty(); }

Type<Told> answer() {
    using enum DnsFault::Answer;
    const auto word = type::choice<DnsFault::Answer>(
        "answer", {{"empty", empty}, {"nxdomain", nxdomain}, {"servfail", servfail}, {"refused", refused}, {"timeout", timeout}},
        {"formerr", "notimp", "truncate", "stale"});
    return {"ANSWER", Shape::commas, false, [word](const Datum& datum, Complaints& complaints) -> std::optional<Told> {
                if (datum.type == Datum::Type::list || is_address(datum)) {
                    const auto read = type::list(type::address()).read(datum, complaints);
                    if (!read) return std::nullopt;
                    return Told{addresses, *read};
                }
                const auto looks_numeric = datum.type == Datum::Type::text && datum.text.find_first_of(".:") != std::string::npos;
                if (looks_numeric) {
                    complaints.error(datum.place, address_fault(datum.text));
                    return std::nullopt;
                }
                const auto read = word.read(datum, complaints);
                if (!read) return std::nullopt;
                return Told{*read, {}};
            }};
}

void check_families(const DnsFault& fault, const Place& place, Complaints& complaints) {
    constexpr std::ptrdiff_t most = 16;
    const auto v6 = std::ranges::count_if(fault.addresses, [](const auto& a) { return a.find(':') != std::string::npos; });
    const auto v4 = static_cast<std::ptrdiff_t>(fault.addresses.size()) - v6;
    if (v4 > most || v6 > most) complaints.error(place, "answer: at most 16 addresses of each family fit");
}

}  // namespace

template <> void describe(Keys& keys, DnsFault& fault) {
    keys.about = "Answer DNS queries over UDP in the kernel, before they reach a server.";
    keys.example = "blackstart inject dns --name db.test --answer empty --for 30s";
    keys.add("names", type::list(type::matching("NAME", name_fault)), fault.names).need().says("name, or *.suffix for all below it");
    keys.add("types", type::list(type::record_type()), fault.types).otherwise("every type").says("query type: A, AAAA, SRV, TYPE65");
    keys.add("servers", type::list(type::network()), fault.servers).otherwise("any").says("address or CIDR that the query goes to");
    keys.add("port", type::port(), fault.port).otherwise("53").says("UDP port that the query goes to");
    keys.on("answer", answer(),
            [&fault](Told told) {
                fault.answer = told.answer;
                fault.addresses = std::move(told.addresses);
            })
        .need()
        .says("empty, nxdomain, servfail, refused, timeout, or addresses");
    keys.add("ttl", type::seconds(), fault.ttl).otherwise("1s").says("time to live of the addresses told");
    keys.later({"opcodes", "negative_ttl", "delay", "turns", "turn"});
    keys.check([&fault](const Keys& all, const Place& place, Complaints& complaints) {
        const auto* told = all.given("answer");
        check_families(fault, told != nullptr ? told->place : place, complaints);
        const auto* ttl = all.given("ttl");
        if (ttl != nullptr && told != nullptr && all.right("answer") && fault.answer != DnsFault::Answer::addresses)
            complaints.error(ttl->place, "ttl: only addresses have one: the answer '" + told->text + "' holds no record");
    });
}

}  // namespace blackstart
