// What the dns program is given: its configuration, the table of names, and the answers, ready to be copied into packets.
#pragma once

#include <array>
#include <vector>

#include "injector/bpf/dns.h"
#include "injector/dns.h"
#include "injector/prefix.h"

namespace blackstart {

struct DnsTables {
    ::dns_fault config{};
    std::array<dns_told, DNS_TURNS_MAX> told{};
    dns_soa soa{};
    std::vector<dns_bucket> names;  // a power of two
    std::vector<Prefix> servers;
};

// Throws Misuse for what cannot be: a name, an address, too many of something.
DnsTables dns_tables(const DnsFault& fault, std::uint64_t seed);

}  // namespace blackstart
