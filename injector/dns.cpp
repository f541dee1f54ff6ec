#include "injector/dns.h"

#include <algorithm>
#include <optional>
#include <span>

#include "injector/bpf/terms.h"
#include "injector/dns_tables.h"
#include "injector/helper_injection.h"
#include "injector/kernel/error.h"
#include "injector/kinds.h"
#include "injector/match_rules.h"
#include "injector/packet_injection.h"
#include "injector/passage.h"
// After the headers whose structs it uses.
#include "dns.skel.h"

namespace blackstart {
namespace {

constexpr auto kTtlMax = std::chrono::seconds(0x7fffffff);

void check_ttl(const char* key, std::chrono::seconds ttl) {
    if (ttl.count() < 0 || ttl > kTtlMax) throw Misuse(std::string("dns: ") + key + " must be between 0 and 2147483647 seconds");
}

// The queries that are delayed, for what the helper asks of `lo`.
Match way_of(const DnsFault& fault) {
    Match match;
    match.to = fault.servers.size() <= MATCH_CIDRS ? fault.servers : std::vector<std::string>{"any"};
    match.ports = {fault.port};
    return match;
}

class DnsInjection final : public Injection {
public:
    DnsInjection(const DnsFault& fault, const Target& target, const Terms& terms)
        : rules_(way_of(fault), target), packets_("dns", target, terms) {
        if (fault.delay.count() > 0) passage_.emplace(HelperPlan{.delay = fault.delay}, target, terms);
        load(fault, dns_tables(fault, terms.seed), target);
        for (const auto& interface : target.interfaces) {
            packets_.place(interface, Direction::egress);
            // At ingress no cgroup is known; on lo what arrives has left before.
            if ((target.cgroup.id == 0 || learns(fault)) && !interface.loopback) packets_.place(interface, Direction::ingress);
        }
    }

    void attach(const Target& target) override { packets_.attach(target); }
    void arm(const Target& target) override {
        if (passage_) passage_->open(packets_, target, rules_);
        packets_.arm(target);
    }
    void disarm() override { packets_.disarm(); }
    bool renew() override { return !passage_ || passage_->working() ? packets_.renew() : !packets_.expired(); }
    [[nodiscard]] Tally tally() const override { return passage_ ? passage_->complete(packets_.tally()) : packets_.tally(); }
    [[nodiscard]] std::string how() const override { return packets_.how() + (passage_ ? ", " + passage_->name() : ""); }
    void footprint(Footprint& footprint) const override {
        packets_.footprint(footprint);
        if (passage_) passage_->footprint(footprint);
    }

private:
    void load(const DnsFault& fault, const DnsTables& tables, const Target& target) {
        packets_->rodata->dns = tables.config;
        packets_->rodata->soa = tables.soa;
        std::ranges::copy(tables.told, packets_->rodata->told);
        for (const auto type : fault.types) packets_->rodata->types[type >> 3] |= static_cast<std::uint8_t>(1U << (type & 7));
        resize(packets_->maps.names, tables.names.size());
        resize(packets_->maps.servers, tables.servers.size());
        resize(packets_->maps.answers, tables.config.remembers != 0 ? DNS_SEEN_MAX : 1);
        if (passage_) {
            passage_->load(packets_, target);
        } else {
            leave_out(packets_->progs.returned);
            leave_out(packets_->progs.reflect);
            packets_.load();
        }
        fill(packets_->maps.names, std::as_bytes(std::span(tables.names)));
        std::vector<dns_server> keys;
        std::vector<std::uint8_t> of_either;
        for (const auto& prefix : tables.servers) {
            std::ranges::copy(prefix.address, keys.emplace_back(dns_server{.bits = prefix.bits, .address = {}}).address);
            of_either.push_back(prefix.bits >= Prefix::kIp4 ? 1 : 0);
        }
        put_all(packets_->maps.servers, keys.data(), of_either.data(), keys.size());
    }

    const MatchRules rules_;
    std::optional<Passage> passage_;  // where there is a delay
    PacketInjection<dns_bpf> packets_;
};

bool silent(const DnsFault::Told& told) { return told.answer == DnsFault::Answer::timeout; }

}  // namespace

void check(const DnsFault& fault) {
    if (fault.names.empty()) throw Misuse("dns: name at least one name");
    if (fault.names.size() > DNS_NAMES_MAX)
        throw Misuse("dns: at most 100000 names, not " + std::to_string(fault.names.size()) + "; *.suffix stands for all names below one");
    if (fault.port == 0) throw Misuse("dns: port 0 cannot be");
    if (fault.delay.count() < 0 || fault.delay > HelperPlan::kLongest) throw Misuse("dns: a delay is at most 10 minutes");
    if (fault.answers.empty() && fault.delay.count() == 0) throw Misuse("dns: say what is answered, or how long it is delayed");
    if (!fault.answers.empty() && fault.delay.count() > 0 && std::ranges::all_of(fault.answers, silent))
        throw Misuse("dns: a timeout has no answer that could be delayed");
    for (const auto& told : fault.answers)
        if ((told.answer == DnsFault::Answer::addresses) == told.addresses.empty())
            throw Misuse("dns: addresses belong to an answer of addresses, at least one");
    if (fault.answers.size() > 1 && fault.turn.count() <= 0) throw Misuse("turns: 'turn' says how long each lasts");
    check_ttl("ttl", fault.ttl);
    if (fault.negative_ttl) check_ttl("negative_ttl", *fault.negative_ttl);
    if (std::ranges::any_of(fault.opcodes, [](auto opcode) { return opcode > 15; })) throw Misuse("dns: an opcode is 0 to 15");
    dns_tables(fault, 0);
}

template <> std::optional<Refusal> unsupported_kind(const DnsFault& fault) {
    return fault.delay.count() > 0 ? helper_refusal() : tcx_refusal();
}

template <> std::unique_ptr<Injection> prepare_kind(const DnsFault& fault, const Target& target, const Terms& terms) {
    check(fault);
    return std::make_unique<DnsInjection>(fault, target, terms);
}

bool learns(const DnsFault& fault) {
    return std::ranges::find(fault.answers, DnsFault::Answer::stale, &DnsFault::Told::answer) != fault.answers.end();
}

}  // namespace blackstart
