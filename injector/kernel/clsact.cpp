#include "injector/kernel/clsact.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_ether.h>
#include <linux/pkt_sched.h>
#include <net/if.h>
#include <netlink/cache.h>
#include <netlink/route/classifier.h>
#include <netlink/route/qdisc.h>
#include <netlink/route/tc.h>
#include <netlink/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <random>
#include <sstream>
#include <vector>

#include "injector/kernel/error.h"
#include "injector/kernel/unique_fd.h"

namespace blackstart::clsact {
namespace {

using Socket = std::unique_ptr<nl_sock, decltype(&nl_socket_free)>;
using Cache = std::unique_ptr<nl_cache, decltype(&nl_cache_free)>;

// Where there is no filter yet: others find room ahead of us, and so do faults that stack.
constexpr std::uint32_t kFirstPriority = 1000;
constexpr std::uint32_t kLastPriority = 0xffff;
constexpr auto kBothWays = static_cast<bpf_tc_attach_point>(BPF_TC_INGRESS | BPF_TC_EGRESS);

struct Place {
    int ifindex = 0;
    Direction direction = Direction::ingress;
    std::uint32_t priority = 0, handle = 0;
};

std::string text(const Place& place) {
    char text[64];
    std::snprintf(text, sizeof text, "%d %s %u 0x%x", place.ifindex, place.direction == Direction::egress ? "egress" : "ingress",
                  place.priority, place.handle);
    return text;
}

Place parse(const std::string& text) {
    Place place;
    std::string direction;
    std::istringstream words(text);
    words >> place.ifindex >> direction >> place.priority >> std::hex >> place.handle;
    place.direction = direction == "egress" ? Direction::egress : Direction::ingress;
    return place;
}

// libbpf tells stderr of every answer that it did not hope for, such as "there is no such filter".
class QuietLibbpf {
public:
    QuietLibbpf() : before_(libbpf_set_print(nullptr)) {}
    ~QuietLibbpf() { libbpf_set_print(before_); }
    QuietLibbpf(const QuietLibbpf&) = delete;
    QuietLibbpf& operator=(const QuietLibbpf&) = delete;

private:
    libbpf_print_fn_t before_;
};

bpf_tc_hook hook(int ifindex, bpf_tc_attach_point point) {
    bpf_tc_hook hook{};
    hook.sz = sizeof hook;
    hook.ifindex = ifindex;
    hook.attach_point = point;
    return hook;
}

bpf_tc_hook hook(const Place& place) { return hook(place.ifindex, place.direction == Direction::egress ? BPF_TC_EGRESS : BPF_TC_INGRESS); }

bpf_tc_opts options(const Place& place) {
    bpf_tc_opts options{};
    options.sz = sizeof options;
    options.handle = place.handle;
    options.priority = place.priority;
    return options;
}

Socket connect() {
    Socket socket(nl_socket_alloc(), &nl_socket_free);
    if (!socket || nl_connect(socket.get(), NETLINK_ROUTE) < 0) throw Unfit("cannot open rtnetlink", "");
    return socket;
}

// The kind of qdisc in the place of clsact, "clsact" or "ingress"; "": none.
std::string qdisc(int ifindex) {
    const Socket socket = connect();
    nl_cache* read = nullptr;
    if (const int error = rtnl_qdisc_alloc_cache(socket.get(), &read); error < 0)
        throw Unfit(std::string("cannot list qdiscs: ") + nl_geterror(error), "");
    const Cache cache(read, &nl_cache_free);
    const std::unique_ptr<rtnl_qdisc, decltype(&rtnl_qdisc_put)> found(rtnl_qdisc_get_by_parent(cache.get(), ifindex, TC_H_CLSACT),
                                                                       &rtnl_qdisc_put);
    return found ? rtnl_tc_get_kind(TC_CAST(found.get())) : "";
}

struct Filter {
    std::uint32_t priority = 0;
    bool like_ours = false;  // BPF, for every protocol: one priority holds filters of one kind only
    Rank rank = Rank::any;
};

Rank rank_at(const Place& place) {
    const auto where = hook(place);
    auto which = options(place);
    return bpf_tc_query(&where, &which) == 0 ? rank_of(which.prog_id) : Rank::any;
}

std::vector<Filter> filters(int ifindex, Direction direction) {
    const Socket socket = connect();
    nl_cache* read = nullptr;
    const auto parent = TC_H_MAKE(TC_H_CLSACT, direction == Direction::egress ? TC_H_MIN_EGRESS : TC_H_MIN_INGRESS);
    if (const int error = rtnl_cls_alloc_cache(socket.get(), ifindex, parent, &read); error < 0)
        throw Unfit(std::string("cannot list tc filters: ") + nl_geterror(error), "");
    const Cache cache(read, &nl_cache_free);
    std::vector<Filter> found;
    for (auto* object = nl_cache_get_first(cache.get()); object != nullptr; object = nl_cache_get_next(object)) {
        auto* filter = reinterpret_cast<rtnl_cls*>(object);
        const char* kind = rtnl_tc_get_kind(TC_CAST(filter));
        const bool like_ours = kind != nullptr && std::string(kind) == "bpf" && rtnl_cls_get_protocol(filter) == ETH_P_ALL;
        const Place place{ifindex, direction, rtnl_cls_get_prio(filter), rtnl_tc_get_handle(TC_CAST(filter))};
        found.push_back({place.priority, like_ours, like_ours ? rank_at(place) : Rank::any});
    }
    return found;
}

std::uint32_t free_priority(const std::vector<Filter>& there, Rank rank) {
    std::uint32_t ahead = 0, next = kLastPriority;
    for (const auto& filter : there)
        if (stays_ahead(filter.rank, rank)) ahead = std::max(ahead, filter.priority);
    for (const auto& filter : there)
        if (filter.priority > ahead) next = std::min(next, filter.priority);
    if (next == kLastPriority) return std::max(kFirstPriority, ahead + 1);
    if (next > ahead + 1) return next - 1;
    const auto at = [](std::uint32_t priority) { return [priority](const Filter& filter) { return filter.priority == priority; }; };
    if (std::ranges::find_if(there, at(next))->like_ours) return next;
    while (std::ranges::any_of(there, at(next))) next++;
    return next;
}

// Nothing tells the kernel to remove a qdisc only if it is empty: who adds a filter in this very moment loses it.
bool remove_if_empty(int ifindex) {
    if (qdisc(ifindex) != "clsact") return true;
    if (!filters(ifindex, Direction::ingress).empty() || !filters(ifindex, Direction::egress).empty()) return true;
    auto both = hook(ifindex, kBothWays);
    const int error = bpf_tc_hook_destroy(&both);
    errno = -error;
    return error == 0 || error == -ENOENT;
}

bool detach(const Place& place) {
    const auto where = hook(place);
    const auto which = options(place);
    const int error = bpf_tc_detach(&where, &which);
    errno = -error;
    return error == 0 || error == -ENOENT;
}

bool attach(const Place& place, std::uint32_t program_id) {
    const unique_fd program(bpf_prog_get_fd_by_id(program_id));
    if (!program) return false;
    auto both = hook(place.ifindex, kBothWays);
    const int made = bpf_tc_hook_create(&both);
    errno = -made;
    if (made != 0 && made != -EEXIST) return false;
    const auto where = hook(place);
    auto which = options(place);
    which.prog_fd = program.get();
    const int error = bpf_tc_attach(&where, &which);
    if (error != 0 && made == 0) remove_if_empty(place.ifindex);
    errno = -error;
    return error == 0;
}

}  // namespace

std::string holds(std::uint32_t program_id) { return "program " + std::to_string(program_id); }

std::string free_place(int ifindex, Direction direction, Rank rank) {
    const auto kind = qdisc(ifindex);
    if (kind == "ingress" && direction == Direction::egress)
        throw Unfit("interface " + std::to_string(ifindex) + " has an `ingress` qdisc, which leaves no room for programs on what leaves",
                    "replace it with clsact, which serves its filters as well; or use a kernel with tcx, Linux 6.6 or later");
    std::random_device random;
    const QuietLibbpf quiet;
    const auto there = kind.empty() ? std::vector<Filter>{} : filters(ifindex, direction);
    return text({ifindex, direction, free_priority(there, rank), 1 + random() % 0x7ffffffe});
}

int interface_of(const std::string& place) { return parse(place).ifindex; }

std::optional<std::string> at(const std::string& place) {
    const auto parsed = parse(place);
    char name[IF_NAMESIZE];
    if (::if_indextoname(static_cast<unsigned>(parsed.ifindex), name) == nullptr) return std::nullopt;
    if (qdisc(parsed.ifindex).empty()) return kNoQdisc;
    const QuietLibbpf quiet;
    const auto where = hook(parsed);
    auto which = options(parsed);
    return bpf_tc_query(&where, &which) == 0 ? holds(which.prog_id) : kNoFilter;
}

bool put(const std::string& place, const std::string& what) {
    const QuietLibbpf quiet;
    const auto parsed = parse(place);
    std::uint32_t program_id = 0;
    if (std::sscanf(what.c_str(), "program %u", &program_id) == 1) return attach(parsed, program_id);
    return detach(parsed) && (what != kNoQdisc || remove_if_empty(parsed.ifindex));
}

}  // namespace blackstart::clsact
