#include "injector/kernel/rank.h"

#include <bpf/bpf.h>
#include <linux/bpf.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include "injector/kernel/error.h"
#include "injector/kernel/unique_fd.h"

namespace blackstart {
namespace {

// The names of the maps that mark a rank; remains.cpp takes no map for a program of ours.
constexpr std::array<std::pair<Rank, const char*>, 2> kMarks{{{Rank::scoped, "bs_scoped"}, {Rank::scoped_helper, "bs_scoped_line"}}};

std::optional<Rank> rank_of_map(std::uint32_t id) {
    const unique_fd map(bpf_map_get_fd_by_id(id));
    bpf_map_info info{};
    __u32 size = sizeof info;
    if (!map || bpf_obj_get_info_by_fd(map.get(), &info, &size) != 0) return std::nullopt;
    for (const auto& [rank, name] : kMarks)
        if (std::strcmp(info.name, name) == 0) return rank;
    return std::nullopt;
}

}  // namespace

void mark_rank(int program_fd, Rank rank) {
    const auto* mark = std::ranges::find(kMarks, rank, &std::pair<Rank, const char*>::first);
    if (mark == kMarks.end()) return;
    const unique_fd map(bpf_map_create(BPF_MAP_TYPE_ARRAY, mark->second, sizeof(std::uint32_t), sizeof(std::uint32_t), 1, nullptr));
    if (!map || bpf_prog_bind_map(program_fd, map.get(), nullptr) != 0) throw_errno("cannot mark a program", errno);
}

Rank rank_of(std::uint32_t program_id) {
    const unique_fd program(bpf_prog_get_fd_by_id(program_id));
    std::array<std::uint32_t, 64> maps{};
    bpf_prog_info info{};
    info.map_ids = reinterpret_cast<std::uintptr_t>(maps.data());
    info.nr_map_ids = maps.size();
    __u32 size = sizeof info;
    if (!program || bpf_obj_get_info_by_fd(program.get(), &info, &size) != 0) return Rank::any;
    for (std::size_t i = 0; i < std::min<std::size_t>(info.nr_map_ids, maps.size()); i++)
        if (const auto rank = rank_of_map(maps[i])) return *rank;
    return Rank::any;
}

bool stays_ahead(Rank rank, Rank another) {
    if (rank == Rank::scoped_helper && another == Rank::scoped_helper)
        throw Unfit(
            "a fault on one cgroup's traffic already leads this interface's packets through a helper device, where the kernel "
            "forgets whose they are",
            "wait for it to end; `blackstart status` shows it");
    return rank < another;
}

}  // namespace blackstart
