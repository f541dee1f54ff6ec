#include "injector/kernel/remains.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <thread>

#include "injector/kernel/holders.h"
#include "injector/kernel/journal.h"
#include "injector/kernel/links.h"
#include "injector/kernel/unique_fd.h"
#include "injector/kernel/visible_netns.h"

namespace blackstart {

void Footprint::add_programs(const bpf_object* object) {
    bpf_program* program = nullptr;
    while ((program = bpf_object__next_program(object, program)) != nullptr) {
        bpf_prog_info info{};
        __u32 length = sizeof info;
        const int fd = bpf_program__fd(program);
        if (fd >= 0 && bpf_obj_get_info_by_fd(fd, &info, &length) == 0) programs_.insert(info.id);
    }
}

void Footprint::add_device(std::uint64_t netns_inode, int ifindex, std::string name) {
    devices_.emplace(netns_inode, ifindex, std::move(name));
}

void Footprint::add_record(std::string path) { records_.insert(std::move(path)); }

std::vector<std::string> Footprint::look() const {
    std::vector<std::string> found;
    for (const auto id : programs_)
        if (const unique_fd program(bpf_prog_get_fd_by_id(id)); program) found.push_back("BPF program " + std::to_string(id));
    for (const auto& [netns, index, name] : devices_) {
        const auto there = find_namespace(netns);
        if (!there) continue;
        const auto present = interfaces(there.get());
        if (std::ranges::any_of(present, [&index = index, &name = name](const Interface& i) { return i.index == index && i.name == name; }))
            found.push_back("device " + name + " in network namespace " + std::to_string(netns));
    }
    for (const auto& path : records_)
        if (::access(path.c_str(), F_OK) == 0) found.push_back("what " + path + " says was changed and not put back");
    return found;
}

namespace {

// Asks again until nothing is left or patience is.
template <class Look> std::vector<std::string> wait(Look look, std::chrono::milliseconds patience, std::chrono::milliseconds nap) {
    const auto until = std::chrono::steady_clock::now() + patience;
    for (;;) {
        auto found = look();
        if (found.empty() || std::chrono::steady_clock::now() >= until) return found;
        std::this_thread::sleep_for(nap);
    }
}

// The programs that TC_PROGRAMS (injector/bpf/packet.bpf.h) makes, and the one of process.bpf.c, by id.
std::map<std::uint32_t, std::string> our_programs() {
    std::map<std::uint32_t, std::string> found;
    for (__u32 id = 0; bpf_prog_get_next_id(id, &id) == 0;) {
        const unique_fd program(bpf_prog_get_fd_by_id(id));
        bpf_prog_info info{};
        __u32 length = sizeof info;
        if (!program || bpf_obj_get_info_by_fd(program.get(), &info, &length) != 0) continue;
        const std::string name(info.name, ::strnlen(info.name, sizeof info.name));
        if (name == "egress_l2" || name == "ingress_l2" || name == "egress_l3" || name == "ingress_l3" || name == "bs_crash_loop")
            found[id] = name;
    }
    return found;
}

// Whether those who hold something make it nobody's business here: one of them is alive, or belongs to another registry.
bool accounted_for(const std::set<pid_t>& pids, const Living& living) {
    return std::ranges::any_of(pids, [&](pid_t pid) { return living.pids.contains(pid) || !shares_registry(pid); });
}

std::string held_by(const std::set<pid_t>& pids) {
    std::string text;
    for (const auto pid : pids) text += (text.empty() ? ", held by process " : ", ") + std::to_string(pid);
    return text;
}

std::vector<std::string> ownerless_now(const Living& living) {
    auto found = leftovers();
    if (::geteuid() != 0) return found;
    const auto programs = our_programs();
    const auto held = holders();
    for (const auto& [id, name] : programs) {
        const auto by = held.programs.find(id);
        const auto pids = by != held.programs.end() ? by->second : std::set<pid_t>{};
        if (accounted_for(pids, living) || (pids.empty() && !sees_every_process())) continue;
        found.push_back("BPF program " + std::to_string(id) + " (" + name + ")" + held_by(pids));
    }
    for (const auto& [inode, netns] : visible_namespaces()) {
        if (living.netns_inodes.contains(inode)) continue;
        for (const auto& interface : interfaces(netns.get())) {
            if (!interface.helper) continue;
            const auto by = held.taps.find(interface.name);
            const auto pids = by != held.taps.end() ? by->second : std::set<pid_t>{};
            if (!accounted_for(pids, living))
                found.push_back("device " + interface.name + " in network namespace " + std::to_string(inode) + held_by(pids));
        }
    }
    return found;
}

}  // namespace

std::vector<std::string> Footprint::left(std::chrono::milliseconds patience) const {
    return wait([this] { return look(); }, patience, std::chrono::milliseconds(2));
}

std::vector<std::string> ownerless(const Living& living, std::chrono::milliseconds patience) {
    return wait([&] { return ownerless_now(living); }, patience, std::chrono::milliseconds(50));
}

}  // namespace blackstart
