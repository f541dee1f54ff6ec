#include <arpa/inet.h>

#include <algorithm>
#include <array>

#include "experiments/parse/draft.h"

namespace blackstart {
namespace {

// An address in binary, so that fd99::20 and fd99:0::20 are one; empty for what is none.
std::string binary(const std::string& address) {
    std::array<char, sizeof(in6_addr)> bytes{};
    if (inet_pton(AF_INET, address.c_str(), bytes.data()) == 1) return {bytes.data(), sizeof(in_addr)};
    if (inet_pton(AF_INET6, address.c_str(), bytes.data()) == 1) return {bytes.data(), bytes.size()};
    return "";
}

bool loopback(const std::string& address) { return address.starts_with("127.") || address == "::1"; }

std::string host_fault(const std::string& name) {
    constexpr std::size_t longest = 63;
    const bool plain = std::ranges::all_of(name, [](unsigned char c) { return std::isalnum(c) || c == '-' || c == '_' || c == '.'; });
    if (!name.empty() && name.size() <= longest && plain && std::isalnum(static_cast<unsigned char>(name[0]))) return "";
    return "'" + name + "' is no host name: letters, digits, '-', '_' and '.', the first a letter or digit";
}

void read_host(const Entry& entry, LabPlan& lab, std::map<std::string, std::string>& owners, Complaints& complaints) {
    if (const auto wrong = host_fault(entry.key); !wrong.empty()) complaints.error(entry.place, wrong);
    const Complaints::About about(complaints, entry.key);
    auto& own = lab.hosts[entry.key];
    const auto& value = entry.value;
    if (value.type == Datum::Type::list && value.list.empty()) complaints.error(value.place, "a host needs an address");
    for (const auto& one : value.type == Datum::Type::list ? value.list : std::vector<Datum>{value}) {
        const auto address = type::address().read(one, complaints);
        if (!address) continue;
        const auto [owner, fresh] = owners.emplace(binary(*address), entry.key);
        if (!fresh) complaints.error(one.place, "'" + *address + "' is already an address of '" + owner->second + "'");
        if (loopback(*address)) complaints.error(one.place, "'" + *address + "' is every host's own: expected one of the lab's network");
        own.push_back(*address);
    }
}

void read_hosts(const Datum& hosts, LabPlan& lab, Complaints& complaints) {
    if (hosts.type != Datum::Type::table || hosts.table.empty()) {
        complaints.error(hosts.place, "expected { HOST = [\"ADDRESS\", …], … }, not " + described(hosts));
        return;
    }
    std::map<std::string, std::string> owners;
    for (const auto& entry : hosts.table) read_host(entry, lab, owners, complaints);
}

void describe_ready(Keys& keys, Ready& ready) {
    keys.add("tcp", type::endpoint(), ready.tcp).says("ready when it accepts a connection");
    keys.add("http", type::url(), ready.http).says("ready when it answers 2xx");
    keys.add("dns", type::dns_server(), ready.dns).says("ready when it answers a query");
    keys.add("timeout", type::duration(), ready.timeout).otherwise("10s").says("how long that may take");
    keys.check([](const Keys& all, const Place& place, Complaints& complaints) {
        const auto ways = (all.given("tcp") != nullptr) + (all.given("http") != nullptr) + (all.given("dns") != nullptr);
        if (ways != 1) complaints.error(place, std::string("expected tcp, http or dns") + (ways > 1 ? ", one of them" : ""));
    });
}

void read_service(const Datum& table, std::size_t number, Draft& draft, Complaints& complaints) {
    const auto name = text_of(table, "name");
    const auto noun = name.empty() ? "service " + std::to_string(number) : "service '" + name + "'";
    if (!name.empty()) take_name(draft.names.services, name, "service", table.find("name")->value.place, complaints);
    auto& [service, keys, place] = draft.services.emplace_back();
    place = table.place;
    keys.add("name", type::name(), service.name).need().says("for its log and messages");
    keys.add("host", type::text("HOST"), service.host).need().says("the lab host that it runs on");
    keys.add("run", type::argv(), service.run).need().says("the command and its arguments, as an array");
    keys.add("ready", type::table<Ready>("'ready'", describe_ready), service.ready).otherwise("at once").says("how to tell that it is up");
    keys.add("restart", type::flag(), service.restart).otherwise("false").says("start it again when it exits");
    keys.add("cgroup", type::flag(), service.cgroup).otherwise("false").says("give it a cgroup of its own, as systemd needs one");
    keys.add("needs", type::list(type::text("PROGRAM")), service.needs).says("programs that it starts itself, as nsupdate");
    keys.add("package", type::text("PACKAGE"), service.package).says("the Debian package that brings them, or several");
    keys.read(table, noun, complaints);
}

}  // namespace

void read_lab(const Datum& lab, Draft& draft, Complaints& complaints) {
    draft.has_lab = true;
    auto& plan = draft.lab.value;
    auto& keys = draft.lab.keys;
    draft.lab.place = lab.place;
    keys.raw("hosts", [&plan](const Datum& datum, Complaints& all) { read_hosts(datum, plan, all); })
        .need()
        .says("{ HOST = [\"ADDRESS\", …], … }");
    keys.add("resolver", type::address(), plan.resolver).otherwise("none").says("for each host's resolv.conf");
    keys.raw("service",
             [&draft](const Datum& datum, Complaints& all) {
                 each_table(datum, "lab.service", all,
                            [&](const Datum& table, std::size_t number) { read_service(table, number, draft, all); });
             })
        .says("[[lab.service]], each");
    keys.read(lab, "[lab]", complaints);
    for (const auto& [name, addresses] : plan.hosts) draft.names.hosts.insert(name);
}

void check_lab(const Draft& draft, Complaints& complaints) {
    if (!draft.has_lab) return;
    const std::vector<std::string> hosts(draft.names.hosts.begin(), draft.names.hosts.end());
    for (const auto& [service, keys, place] : draft.services)
        if (const auto* host = keys.given("host"); host != nullptr && !service.host.empty() && !draft.names.hosts.contains(service.host))
            complaints.error(host->place, "lab.service.host: unknown lab host '" + service.host + "'" + hint(service.host, hosts));
    const auto& lab = draft.lab.value;
    if (lab.resolver.empty() || loopback(lab.resolver)) return;
    for (const auto& [name, addresses] : lab.hosts)
        for (const auto& address : addresses)
            if (binary(address) == binary(lab.resolver)) return;
    complaints.error(place_of(draft.lab.keys, "resolver", draft.lab.place),
                     "lab.resolver: no host of the lab has the address '" + lab.resolver + "'");
}

}  // namespace blackstart
