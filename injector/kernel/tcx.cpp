#include "injector/kernel/tcx.h"

#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <vector>

namespace blackstart {
namespace {

// include/uapi/linux/bpf.h of Linux 6.6; Debian 12's header is older.
constexpr std::uint32_t kTcxIngress = 46, kTcxEgress = 47;
constexpr std::uint32_t kBefore = 1U << 3, kAfter = 1U << 4, kById = 1U << 5;

// union bpf_attr of BPF_LINK_CREATE and of BPF_PROG_QUERY, as far as tcx goes.
struct LinkCreate {
    std::uint32_t program, ifindex, type, flags, relative_id, pad;
    std::uint64_t revision;
};
struct Query {
    std::uint32_t ifindex, type, query_flags, attach_flags;
    std::uint64_t ids;
    std::uint32_t count, pad;
    std::uint64_t attach_flags_of, link_ids, link_attach_flags, revision;
};

long bpf(int command, void* attributes, std::size_t size) { return ::syscall(__NR_bpf, command, attributes, size); }

struct Hook {
    std::vector<std::uint32_t> programs;  // their ids, in the order in which they run
    std::uint64_t revision = 0;           // changes with every attachment
};

std::optional<Hook> look(std::uint32_t ifindex, std::uint32_t type) {
    Hook hook;
    hook.programs.resize(64);  // what a hook holds at most (BPF_MPROG_MAX)
    Query query{};
    query.ifindex = ifindex;
    query.type = type;
    query.ids = reinterpret_cast<std::uintptr_t>(hook.programs.data());
    query.count = static_cast<std::uint32_t>(hook.programs.size());
    if (bpf(BPF_PROG_QUERY, &query, sizeof query) != 0) return std::nullopt;
    hook.programs.resize(query.count);
    hook.revision = query.revision;
    return hook;
}

// The last program that has to stay ahead of one with this rank; 0: none.
std::uint32_t last_ahead(const Hook& hook, Rank rank) {
    std::uint32_t last = 0;
    for (const auto id : hook.programs)
        if (stays_ahead(rank_of(id), rank)) last = id;
    return last;
}

}  // namespace

unique_fd tcx_link(int program_fd, int ifindex, Direction direction, Rank rank) {
    LinkCreate link{};
    link.program = static_cast<std::uint32_t>(program_fd);
    link.ifindex = static_cast<std::uint32_t>(ifindex);
    link.type = direction == Direction::ingress ? kTcxIngress : kTcxEgress;
    // Others attach meanwhile: the revision tells, and the place is looked for anew.
    for (int attempt = 0; attempt < 100; attempt++) {
        std::optional<Hook> hook;
        if (rank != Rank::scoped) hook = look(link.ifindex, link.type);
        link.relative_id = hook ? last_ahead(*hook, rank) : 0;
        link.revision = hook ? hook->revision : 0;
        link.flags = link.relative_id != 0 ? kAfter | kById : kBefore;
        unique_fd made(static_cast<int>(bpf(BPF_LINK_CREATE, &link, sizeof link)));
        if (made || (errno != ESTALE && errno != ENOENT)) return made;
    }
    return {};
}

}  // namespace blackstart
