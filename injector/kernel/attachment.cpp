#include "injector/kernel/attachment.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <sys/mman.h>

#include <cerrno>
#include <cstring>
#include <iterator>

#include "injector/kernel/clsact.h"
#include "injector/kernel/error.h"
#include "injector/kernel/netns.h"
#include "injector/kernel/tc_program.h"
#include "injector/kernel/tcx.h"

namespace blackstart {
namespace {

constexpr int kNoSuchInterface = 0x7fffffff;
constexpr int kLoopback = 1;  // the ifindex of `lo` in every namespace

// A kernel without tcx takes the attach type for a mistake; with it, the interface is what is wrong.
bool knows_tcx(int program_fd) {
    const unique_fd link = tcx_link(program_fd, kNoSuchInterface, Direction::ingress, Rank::scoped);
    return errno != EINVAL;
}

bool uses_tcx(int program_fd) {
    static const bool knows = knows_tcx(program_fd);
    return knows;
}

std::uint32_t id_of(int program_fd) {
    bpf_prog_info info{};
    __u32 length = sizeof info;
    if (bpf_obj_get_info_by_fd(program_fd, &info, &length) != 0) throw_errno("cannot ask for a program's id", errno);
    return info.id;
}

int clsact_error(int program_fd) try {
    const auto nowhere = make_netns();
    const InNetns inside(nowhere.get());
    return clsact::put(clsact::free_place(kLoopback, Direction::egress, Rank::any), clsact::holds(id_of(program_fd))) ? 0 : errno;
} catch (const Unfit&) {
    return EPERM;
}

}  // namespace

int descriptor(const bpf_program* program) { return bpf_program__fd(program); }

void leave_out(bpf_program* program) { bpf_program__set_autoload(program, false); }

void resize(bpf_map* map, std::size_t entries) { bpf_map__set_max_entries(map, static_cast<__u32>(std::max<std::size_t>(1, entries))); }

void put(const bpf_map* map, const void* key, const void* value) {
    if (bpf_map_update_elem(bpf_map__fd(map), key, value, BPF_ANY) != 0)
        throw_errno(std::string("cannot fill the BPF map ") + bpf_map__name(map), errno);
}

void put_all(const bpf_map* map, const void* keys, const void* values, std::size_t count) {
    auto left = static_cast<__u32>(count);
    bpf_map_batch_opts options{};
    options.sz = sizeof options;
    if (count > 0 && bpf_map_update_batch(bpf_map__fd(map), keys, values, &left, &options) != 0)
        throw_errno(std::string("cannot fill the BPF map ") + bpf_map__name(map), errno);
}

void fill(const bpf_map* map, std::span<const std::byte> values) {
    void* memory = ::mmap(nullptr, values.size(), PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map), 0);
    if (memory == MAP_FAILED) throw_errno("cannot map a BPF array", errno);
    std::memcpy(memory, values.data(), values.size());
    ::munmap(memory, values.size());
}

unique_fd load_nothing() {
    // r0 = TC_ACT_UNSPEC; exit
    const bpf_insn program[] = {{BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, -1}, {BPF_JMP | BPF_EXIT, 0, 0, 0, 0}};
    return unique_fd(bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "nothing", "GPL", program, std::size(program), nullptr));
}

Attachment::Attachment(int program_fd, int netns_fd, int ifindex, Direction direction, Rank rank) {
    if (!uses_tcx(program_fd)) {
        filter_ = add_tc_filter(netns_fd, ifindex, direction, id_of(program_fd), rank);
        return;
    }
    const InNetns inside(netns_fd);
    link_ = tcx_link(program_fd, ifindex, direction, rank);
    if (!link_) throw_errno("cannot attach to interface " + std::to_string(ifindex) + " through tcx", errno);
}

int attachment_error(int program_fd) {
    if (!uses_tcx(program_fd)) return clsact_error(program_fd);
    const unique_fd link = tcx_link(program_fd, kNoSuchInterface, Direction::ingress, Rank::scoped);
    return link || errno == ENODEV ? 0 : errno;
}

const char* attached_through() {
    const unique_fd nothing = load_nothing();
    return uses_tcx(nothing.get()) ? "tcx" : "clsact";
}

}  // namespace blackstart
