#include "injector/dns.h"

#include <algorithm>

#include "experiments/parse/faults.h"
#include "injector/kernel/error.h"

namespace blackstart {
namespace {

// A name, as it is in DNS.
Type<std::string> name() {
    return type::in_ace(type::matching("NAME", [](const std::string& text) -> std::string {
        try {
            parse_dns_name(text);
            return "";
        } catch (const Misuse& error) {
            return error.what();
        }
    }));
}

bool is_address(const Datum& datum) { return datum.type == Datum::Type::text && address_fault(datum.text).empty(); }

Type<DnsFault::Told> answer() {
    using enum DnsFault::Answer;
    const auto word = type::choice<DnsFault::Answer>("answer", {{"empty", empty},
                                                                {"nxdomain", nxdomain},
                                                                {"servfail", servfail},
                                                                {"refused", refused},
                                                                {"formerr", formerr},
                                                                {"notimp", notimp},
                                                                {"timeout", timeout},
                                                                {"truncate", truncate},
                                                                {"stale", stale}});
    return {"ANSWER",
            Shape::commas,
            false,
            [word](const Datum& datum, Complaints& complaints) -> std::optional<DnsFault::Told> {
                if (datum.type == Datum::Type::list || is_address(datum)) {
                    const auto read = type::list(type::address()).read(datum, complaints);
                    if (!read) return std::nullopt;
                    return DnsFault::Told{addresses, *read};
                }
                const auto looks_numeric = datum.type == Datum::Type::text && datum.text.find_first_of(".:") != std::string::npos;
                if (looks_numeric) {
                    complaints.error(datum.place, address_fault(datum.text));
                    return std::nullopt;
                }
                const auto read = word.read(datum, complaints);
                if (!read) return std::nullopt;
                return DnsFault::Told{*read, {}};
            },
            {},
            word.words};
}

// By name (RFC 6895 §2.2) or by number.
Type<std::uint8_t> opcode() {
    const auto word = type::choice<std::uint8_t>("opcode", {{"query", 0}, {"notify", 4}, {"update", 5}});
    const auto number = type::whole<std::uint8_t>(0, 15);
    return {"OPCODE",
            Shape::scalar,
            false,
            [word, number](const Datum& datum, Complaints& complaints) {
                return datum.type == Datum::Type::integer ? number.read(datum, complaints) : word.read(datum, complaints);
            },
            {},
            word.words};
}

// Without names it is every name that the rest matches.
void match_every_name(DnsFault& fault, const Keys& all, const Place& place, Complaints& complaints) {
    if (all.given("names") != nullptr) return;
    fault.names = {"*"};
    for (const auto* key : {"types", "servers", "opcodes"})
        if (all.given(key) != nullptr) return;
    complaints.error(place, "nothing is matched: say names, types, servers or opcodes; names '*' means every name");
}

bool can_be_negative(const DnsFault::Told& told) {
    return told.answer == DnsFault::Answer::empty || told.answer == DnsFault::Answer::nxdomain ||
           told.answer == DnsFault::Answer::addresses;  // of the other family
}

void check_families(const DnsFault& fault, const Place& place, Complaints& complaints) {
    constexpr std::ptrdiff_t most = 16;
    for (const auto& told : fault.answers) {
        const auto v6 = std::ranges::count_if(told.addresses, [](const auto& a) { return a.find(':') != std::string::npos; });
        const auto v4 = static_cast<std::ptrdiff_t>(told.addresses.size()) - v6;
        if (v4 > most || v6 > most) complaints.error(place, "answer: at most 16 addresses of each family fit");
    }
}

void check_turns(const DnsFault& fault, const Keys& all, const Place& place, Complaints& complaints) {
    const auto *answer = all.given("answer"), *turns = all.given("turns"), *turn = all.given("turn");
    if (answer == nullptr && turns == nullptr && all.given("delay") == nullptr)
        return complaints.error(place, "nothing is told: say 'answer', 'delay', or 'turns' and 'turn'");
    if (turns == nullptr) {
        if (turn != nullptr) complaints.error(turn->place, "turn: there are no 'turns' to take");
    } else if (answer != nullptr) {
        complaints.error(turns->place, "turns: 'answer' is given as well: one of them");
    } else if (all.right("turns") && (fault.answers.size() < 2 || fault.answers.size() > 16)) {
        complaints.error(turns->place, "turns: 2 to 16 answers take turns, not " + std::to_string(fault.answers.size()));
    }
}

// A time to live that no answer has.
void check_ttls(const DnsFault& fault, const Keys& all, Complaints& complaints) {
    const auto* answer = all.given("answer");
    const bool only_delayed = answer == nullptr && all.given("turns") == nullptr && all.given("delay") != nullptr;
    if (!all.right("answer") && !all.right("turns") && !only_delayed) return;
    const auto holder = answer != nullptr               ? "the answer " + described(*answer) + " holds none"
                        : all.given("turns") != nullptr ? std::string("no turn holds one")
                                                        : std::string("there is no answer");
    const auto has_address = [](const DnsFault::Told& told) { return told.answer == DnsFault::Answer::addresses; };
    if (const auto* ttl = all.given("ttl"); ttl != nullptr && std::ranges::none_of(fault.answers, has_address))
        complaints.error(ttl->place, "ttl: only addresses have one: " + holder);
    if (const auto* ttl = all.given("negative_ttl"); ttl != nullptr && std::ranges::none_of(fault.answers, can_be_negative))
        complaints.error(ttl->place, "negative_ttl: only answers without records have one, empty and nxdomain: " + holder);
}

}  // namespace

template <> void describe(Keys& keys, DnsFault& fault) {
    keys.about = "Answer DNS queries in the kernel, and reset those over TCP; or delay them.";
    keys.example = "blackstart inject dns --name db.test --answer empty --for 30s";
    keys.add("names", type::list(name()), fault.names).otherwise("every name").says("name, or *.suffix for all below it");
    keys.add("types", type::list(type::record_type()), fault.types).otherwise("every type").says("query type: A, AAAA, AXFR, TYPE65");
    keys.add("servers", type::list(type::network()), fault.servers).otherwise("any").says("address or CIDR that the query goes to");
    keys.add("port", type::port(), fault.port).otherwise("53").says("port that the query goes to");
    keys.add("opcodes", type::list(opcode()), fault.opcodes).otherwise("query").says("query, notify, update, or 0 to 15");
    keys.on("answer", answer(), [&fault](DnsFault::Told told) { fault.answers = {std::move(told)}; })
        .says("rcode, empty, timeout, truncate, stale, or addresses");
    keys.add("turns", type::list(answer()), fault.answers).only_in_file().says("answers that take turns");
    keys.add("turn", type::duration(), fault.turn).only_in_file().says("how long each turn lasts");
    keys.add("ttl", type::seconds(), fault.ttl).otherwise("1s").says("time to live of the addresses told");
    keys.add("negative_ttl", type::seconds(), fault.negative_ttl).otherwise("no SOA").says("how long caches keep empty and nxdomain");
    keys.add("delay", type::duration(), fault.delay).otherwise("0s").says("how long queries are held back first");
    keys.check([&fault](const Keys& all, const Place& place, Complaints& complaints) {
        match_every_name(fault, all, place, complaints);
        if (all.given("answer") == nullptr && all.given("turns") == nullptr) fault.answers.clear();
        const auto* told = all.given("answer");
        check_families(fault, told != nullptr ? told->place : place, complaints);
        check_turns(fault, all, place, complaints);
        check_ttls(fault, all, complaints);
    });
}

}  // namespace blackstart
