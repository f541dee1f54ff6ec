#include "injector/kernel/attachment.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <cerrno>

#include "injector/kernel/error.h"
#include "injector/kernel/netns.h"
#include "injector/kernel/tc_program.h"

namespace blackstart {
namespace {

// include/uapi/linux/bpf.h of Linux 6.6; Debian 12's header is older.
constexpr int kTcxIngress = 46;
constexpr int kTcxEgress = 47;
constexpr unsigned kBefore = 1U << 3;

// The link's descriptor; empty, with errno set, on failure.
unique_fd attach(int program_fd, int ifindex, Direction direction) {
    bpf_link_create_opts options{};
    options.sz = sizeof options;
    options.flags = kBefore;
    const auto type = static_cast<bpf_attach_type>(direction == Direction::ingress ? kTcxIngress : kTcxEgress);
    return unique_fd(bpf_link_create(program_fd, ifindex, type, &options));
}

}  // namespace

int descriptor(const bpf_program* program) { return bpf_program__fd(program); }

void leave_out(bpf_program* program) { bpf_program__set_autoload(program, false); }

void resize(bpf_map* map, std::size_t entries) { bpf_map__set_max_entries(map, static_cast<__u32>(std::max<std::size_t>(1, entries))); }

void put(const bpf_map* map, const void* key, const void* value) {
    if (bpf_map_update_elem(bpf_map__fd(map), key, value, BPF_ANY) != 0)
        throw_errno(std::string("cannot fill the BPF map ") + bpf_map__name(map), errno);
}

Attachment::Attachment(int program_fd, int netns_fd, int ifindex, Direction direction) {
    const InNetns inside(netns_fd);
    link_ = attach(program_fd, ifindex, direction);
    if (!link_) throw_errno("cannot attach to interface " + std::to_string(ifindex) + " through tcx", errno);
}

int tcx_error(int program_fd, int ifindex) {
    const unique_fd link = attach(program_fd, ifindex, Direction::ingress);
    return link ? 0 : errno;
}

}  // namespace blackstart
