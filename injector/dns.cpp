#include "injector/dns.h"

#include <algorithm>

#include "injector/bpf/terms.h"
#include "injector/dns_tables.h"
#include "injector/kernel/error.h"
#include "injector/kinds.h"
#include "injector/packet_injection.h"
// After the headers whose structs it uses.
#include "dns.skel.h"

namespace blackstart {
namespace {

constexpr auto kTtlMax = std::chrono::seconds(0x7fffffff);

void check_ttl(const char* key, std::chrono::seconds ttl) {
    if (ttl.count() < 0 || ttl > kTtlMax) throw Misuse(std::string("dns: ") + key + " must be between 0 and 2147483647 seconds");
}

using Program = PacketInjection<dns_bpf>;

void load(Program& program, const DnsFault& fault, const DnsTables& tables) {
    program->rodata->dns = tables.config;
    program->rodata->soa = tables.soa;
    std::ranges::copy(tables.told, program->rodata->told);
    for (const auto type : fault.types) program->rodata->types[type >> 3] |= static_cast<std::uint8_t>(1U << (type & 7));
    resize(program->maps.names, tables.names.size());
    resize(program->maps.servers, tables.servers.size());
    resize(program->maps.answers, tables.config.remembers != 0 ? DNS_SEEN_MAX : 1);
    program.load();
    fill(program->maps.names, std::as_bytes(std::span(tables.names)));
    const std::uint8_t present = 1;
    for (const auto& prefix : tables.servers) {
        dns_server key{.bits = prefix.bits, .address = {}};
        std::ranges::copy(prefix.address, key.address);
        put(program->maps.servers, &key, &present);
    }
}

}  // namespace

void check(const DnsFault& fault) {
    if (fault.names.empty()) throw Misuse("dns: name at least one name");
    if (fault.names.size() > DNS_NAMES_MAX)
        throw Misuse("dns: at most 100000 names, not " + std::to_string(fault.names.size()) + "; *.suffix stands for all names below one");
    if (fault.port == 0) throw Misuse("dns: port 0 cannot be");
    if (fault.answers.empty()) throw Misuse("dns: say what is answered");
    for (const auto& told : fault.answers)
        if ((told.answer == DnsFault::Answer::addresses) == told.addresses.empty())
            throw Misuse("dns: addresses belong to an answer of addresses, at least one");
    if (fault.answers.size() > 1 && fault.turn.count() <= 0) throw Misuse("turns: 'turn' says how long each lasts");
    check_ttl("ttl", fault.ttl);
    if (fault.negative_ttl) check_ttl("negative_ttl", *fault.negative_ttl);
    if (std::ranges::any_of(fault.opcodes, [](auto opcode) { return opcode > 15; })) throw Misuse("dns: an opcode is 0 to 15");
    dns_tables(fault, 0);
}

template <> std::optional<Refusal> unsupported_kind(const DnsFault&) { return tcx_refusal(); }

template <> std::unique_ptr<Injection> prepare_kind(const DnsFault& fault, const Target& target, const Terms& terms) {
    check(fault);
    auto program = std::make_unique<Program>("dns", target, terms);
    const auto tables = dns_tables(fault, terms.seed);
    load(*program, fault, tables);
    for (const auto& interface : target.interfaces) {
        program->attach(target, interface, Direction::egress);
        // At ingress no cgroup is known; on lo what arrives has left before.
        if ((target.cgroup.id == 0 || tables.config.remembers != 0) && !interface.loopback)
            program->attach(target, interface, Direction::ingress);
    }
    return program;
}

template <> std::unique_ptr<Injection> inject_kind(const DnsFault& fault, const Target& target, const Terms& terms) {
    auto program = prepare_kind(fault, target, terms);
    program->arm();
    return program;
}

bool learns(const DnsFault& fault) {
    return std::ranges::find(fault.answers, DnsFault::Answer::stale, &DnsFault::Told::answer) != fault.answers.end();
}

}  // namespace blackstart
