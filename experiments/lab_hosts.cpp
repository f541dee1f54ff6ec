#include "experiments/lab_hosts.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mount.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include "injector/kernel/error.h"
#include "injector/kernel/mntns.h"
#include "injector/kernel/netns.h"
#include "injector/kernel/wire.h"

namespace blackstart {
namespace {

constexpr const char* kBridge = "lab";

struct Address {
    int family = AF_UNSPEC;
    std::array<unsigned char, 16> bytes{};
};

Address read_address(const std::string& text, const std::string& host) {
    Address address;
    for (const int family : {AF_INET, AF_INET6})
        if (::inet_pton(family, text.c_str(), address.bytes.data()) == 1) address.family = family;
    if (address.family == AF_UNSPEC)
        throw Misuse(fmt::format("lab host '{}': '{}' is not an address (IPv4 or IPv6, without a prefix length)", host, text));
    return address;
}

int common_bits(const Address& a, const Address& b) {
    const int width = a.family == AF_INET ? 32 : 128;
    for (int bit = 0; bit < width; bit++) {
        const auto byte = static_cast<std::size_t>(bit / 8);
        const int shift = 7 - bit % 8;
        if (((a.bytes[byte] ^ b.bytes[byte]) >> shift & 1) != 0) return bit;
    }
    return width;
}

// Prefix length by family.
using Prefixes = std::map<int, int>;

Prefixes prefixes(const LabPlan& plan) {
    std::map<int, Address> first;
    std::set<std::string> seen;
    Prefixes found{{AF_INET, 24}, {AF_INET6, 64}};
    for (const auto& [host, addresses] : plan.hosts)
        for (const auto& text : addresses) {
            const Address address = read_address(text, host);
            if (!seen.insert(text).second) throw Misuse(fmt::format("lab host '{}': address {} is given twice", host, text));
            const auto& base = first.try_emplace(address.family, address).first->second;
            found[address.family] = std::min(found[address.family], common_bits(base, address));
        }
    if (found[AF_INET] < 8 || found[AF_INET6] < 8)
        throw Misuse("the lab's addresses have no network in common: take them from one, as 10.99.0.0/16 or fd99::/64");
    return found;
}

std::vector<std::string> with_prefix(const std::vector<std::string>& addresses, const Prefixes& lengths) {
    std::vector<std::string> all;
    for (const auto& text : addresses) {
        const int family = text.find(':') == std::string::npos ? AF_INET : AF_INET6;
        all.push_back(fmt::format("{}/{}", text, lengths.at(family)));
    }
    return all;
}

std::string hosts_file(const LabPlan& plan) {
    std::string text = "127.0.0.1 localhost\n::1 localhost\n";
    for (const auto& [host, addresses] : plan.hosts)
        for (const auto& address : addresses) text += fmt::format("{} {}\n", address, host);
    return text;
}

std::string resolv_file(const LabPlan& plan) {
    return plan.resolver.empty() ? "# the lab has no resolver\n" : "nameserver " + plan.resolver + "\n";
}

void mount_tmpfs(const std::string& where) {
    const bool open = where != "/run";
    if (::mount("blackstart-lab", where.c_str(), "tmpfs", MS_NOSUID | MS_NODEV, open ? "mode=1777,size=256m" : "mode=0755,size=256m") != 0)
        throw_errno("cannot mount a private " + where, errno);
}

// Lays `text` over a file of /etc in the caller's mount namespace. The file may be a link into /run (systemd-resolved),
// which is fresh here: its end is made then.
void lay_over(const std::string& file, const std::string& text) {
    namespace fs = std::filesystem;
    const fs::path source = fs::path("/run/blackstart-lab") / fs::path(file).filename();
    fs::create_directories(source.parent_path());
    std::ofstream(source) << text;
    std::error_code ignored;
    fs::path end(file);
    for (int depth = 0; depth < 8 && fs::is_symlink(end, ignored); depth++) end = end.parent_path() / fs::read_symlink(end);
    end = end.lexically_normal();
    if (end.string().starts_with("/run/") && !fs::exists(end)) {
        fs::create_directories(end.parent_path());
        std::ofstream{end};
    }
    if (::mount(source.c_str(), end.c_str(), nullptr, MS_BIND, nullptr) != 0) {
        if (errno == ENOENT) throw Unfit("this machine has no " + file + " that a lab host could see its own in place of", "touch " + file);
        throw_errno("cannot lay a lab host's own " + file + " over " + end.string(), errno);
    }
}

std::string port_name(int number) { return "port" + std::to_string(number); }

void await_wires(const LabHosts& made) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(5);
    int port = 0;
    for (const auto& [name, host] : made.all) {
        while (!carries(made.bridge.get(), port_name(port)) || !carries(host.netns.get(), "eth0")) {
            if (std::chrono::steady_clock::now() > until) throw Unfit("the wire of lab host '" + name + "' does not come up", "");
            std::this_thread::sleep_for(std::chrono::milliseconds(2));
        }
        port++;
    }
}

}  // namespace

LabHosts make_hosts(const LabPlan& plan) {
    const Prefixes lengths = prefixes(plan);
    const std::string hosts = hosts_file(plan), resolv = resolv_file(plan);
    LabHosts made;
    made.bridge = make_netns();
    make_bridge(made.bridge.get(), kBridge);
    int port = 0;
    for (const auto& [name, addresses] : plan.hosts) {
        LabHost host;
        host.netns = make_netns();
        join_bridge(made.bridge.get(), kBridge, port_name(port++), host.netns.get(), with_prefix(addresses, lengths));
        host.mntns = make_mntns([&] {
            for (const char* folder : kPrivateFolders)
                if (std::filesystem::is_directory(folder)) mount_tmpfs(folder);
            lay_over("/etc/hosts", hosts);
            lay_over("/etc/resolv.conf", resolv);
        });
        made.all.emplace(name, std::move(host));
    }
    await_wires(made);
    return made;
}

}  // namespace blackstart
