// The helper of kernels that have netem: a veth whose far end lives in an anonymous namespace. A packet that comes out
// there is turned round, and netem on that end delays it on its way back.
#include <net/if.h>
#include <netlink/route/link.h>
#include <netlink/route/link/veth.h>
#include <netlink/route/qdisc.h>
#include <netlink/route/qdisc/netem.h>
#include <netlink/route/tc.h>
#include <netlink/socket.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <optional>
#include <string>
#include <thread>

#include "injector/kernel/attachment.h"
#include "injector/kernel/error.h"
#include "injector/kernel/helper.h"
#include "injector/kernel/links.h"
#include "injector/kernel/netns.h"

namespace blackstart {
namespace {

using std::chrono::duration_cast;
using std::chrono::microseconds;
using Socket = std::unique_ptr<nl_sock, decltype(&nl_socket_free)>;
using Qdisc = std::unique_ptr<rtnl_qdisc, decltype(&rtnl_qdisc_put)>;
using Link = std::unique_ptr<rtnl_link, decltype(&rtnl_link_put)>;
using Cache = std::unique_ptr<nl_cache, decltype(&nl_cache_free)>;

constexpr const char* kFarEnd = "far";
// What fits into the 32 bits of 64 ns each that it takes (PSCHED_SHIFT, include/net/pkt_sched.h), with a margin: 274.8 s would.
constexpr std::chrono::seconds kLongestOfNetem(270);
constexpr int kLoopback = 1;  // the ifindex of `lo` in every namespace

[[noreturn]] void fail(const std::string& what, int error) {
    throw Unfit(what + ": " + nl_geterror(error), error == -NLE_PERM ? "run as root, or with CAP_NET_ADMIN" : "--delay-line does without");
}

// Speaks to the namespace of the calling thread.
Socket connect() {
    Socket socket(nl_socket_alloc(), &nl_socket_free);
    if (!socket || nl_connect(socket.get(), NETLINK_ROUTE) < 0) throw Unfit("cannot open rtnetlink", "");
    return socket;
}

int microseconds_of(std::chrono::nanoseconds time) { return static_cast<int>(duration_cast<microseconds>(time).count()); }

// netem counts packets. Half as many again as 200,000 a second hold in that time; each may be 64 KiB.
int queue_limit(const HelperPlan& plan) {
    const double seconds = std::chrono::duration<double>(plan.delay + plan.jitter).count();
    return static_cast<int>(std::clamp(1.5 * 200'000 * seconds, 10'000.0, 1'000'000.0));
}

Qdisc netem(int ifindex, const HelperPlan& plan) {
    Qdisc qdisc(rtnl_qdisc_alloc(), &rtnl_qdisc_put);
    if (!qdisc) throw Unfit("out of memory", "");
    rtnl_tc_set_ifindex(TC_CAST(qdisc.get()), ifindex);
    rtnl_tc_set_parent(TC_CAST(qdisc.get()), TC_H_ROOT);
    rtnl_tc_set_handle(TC_CAST(qdisc.get()), TC_HANDLE(1, 0));
    if (const int error = rtnl_tc_set_kind(TC_CAST(qdisc.get()), "netem"); error < 0) fail("netem", error);
    rtnl_netem_set_limit(qdisc.get(), queue_limit(plan));
    rtnl_netem_set_delay(qdisc.get(), microseconds_of(plan.delay));
    if (plan.jitter.count() > 0) rtnl_netem_set_jitter(qdisc.get(), microseconds_of(plan.jitter));
    return qdisc;
}

// 0, or a netlink error. Without netem the kernel says "no such object".
int add_netem(nl_sock* socket, int ifindex, const HelperPlan& plan) {
    const Qdisc qdisc = netem(ifindex, plan);
    return rtnl_qdisc_add(socket, qdisc.get(), NLM_F_CREATE | NLM_F_EXCL);
}

Qdisc read_netem(nl_sock* socket, int ifindex) {
    nl_cache* read = nullptr;
    if (const int error = rtnl_qdisc_alloc_cache(socket, &read); error < 0) fail("cannot list qdiscs", error);
    const Cache cache(read, &nl_cache_free);
    return {rtnl_qdisc_get_by_parent(cache.get(), ifindex, TC_H_ROOT), &rtnl_qdisc_put};
}

// The kernel stores times in ticks of its own: what it has may differ from what was asked by a rounding.
bool same_time(int asked_us, int read_us) { return std::abs(asked_us - read_us) <= 2; }

void verify(nl_sock* socket, int ifindex, const HelperPlan& plan) {
    const Qdisc qdisc = read_netem(socket, ifindex);
    const bool as_asked = qdisc && same_time(microseconds_of(plan.delay), rtnl_netem_get_delay(qdisc.get())) &&
                          (plan.jitter.count() == 0 || same_time(microseconds_of(plan.jitter), rtnl_netem_get_jitter(qdisc.get()))) &&
                          rtnl_netem_get_limit(qdisc.get()) == queue_limit(plan);
    if (!as_asked) throw Unfit("netem did not take the delay that it was given", "--delay-line does without");
}

// A veth with one end here, the other, `kFarEnd`, in `far`. Returns the index of the near one in `near`.
int make_veth(int near, int far) {
    const InNetns inside(far);
    const Socket socket = connect();
    const Link link(rtnl_link_veth_alloc(), [](rtnl_link* l) { rtnl_link_veth_release(l); });
    rtnl_link* peer = rtnl_link_veth_get_peer(link.get());
    rtnl_link_set_name(link.get(), kFarEnd);
    rtnl_link_set_name(peer, "bsd%d");
    rtnl_link_set_ns_fd(peer, near);
    const int error = rtnl_link_add(socket.get(), link.get(), NLM_F_CREATE | NLM_F_EXCL);
    rtnl_link_put(peer);
    if (error < 0) fail("cannot make a veth pair", error);
    rtnl_link* made = nullptr;
    if (const int missing = rtnl_link_get_kernel(socket.get(), 0, kFarEnd, &made); missing < 0) fail("cannot find a veth", missing);
    const Link end(made, &rtnl_link_put);
    return rtnl_link_get_link(end.get());
}

class NetemHelper : public Helper {
public:
    NetemHelper(int netns_fd, const HelperPlan& plan)
        : plan_(plan), far_(make_netns()), near_index_(make_veth(netns_fd, far_.get())), device_(link_name(netns_fd, near_index_)) {
        raise_helper(netns_fd, device_);
        far_index_ = raise_helper(far_.get(), kFarEnd);
        const InNetns inside(far_.get());
        const Socket socket = connect();
        if (const int error = add_netem(socket.get(), far_index_, plan); error < 0) fail("cannot set netem", error);
        verify(socket.get(), far_index_, plan);
    }
    ~NetemHelper() override {
        drain();
        turn_.reset();
        back_.reset();
    }

    void attach(int netns_fd, int returned, int reflect) override {
        back_.emplace(returned, netns_fd, near_index_, Direction::ingress);
        turn_.emplace(reflect, far_.get(), far_index_, Direction::ingress);
    }
    [[nodiscard]] int ifindex() const override { return near_index_; }
    [[nodiscard]] const std::string& device() const override { return device_; }
    [[nodiscard]] bool working() const override { return true; }  // the kernel's own work
    [[nodiscard]] std::uint64_t holding() const override { return count(RTNL_TC_QLEN); }
    [[nodiscard]] std::uint64_t dropped() const override { return count(RTNL_TC_DROPS); }
    [[nodiscard]] const char* name() const override { return "netem"; }

private:
    [[nodiscard]] std::uint64_t count(rtnl_tc_stat what) const {
        const InNetns inside(far_.get());
        const Socket socket = connect();
        const Qdisc qdisc = read_netem(socket.get(), far_index_);
        return qdisc ? rtnl_tc_get_stat(TC_CAST(qdisc.get()), what) : 0;
    }
    // netem cannot be told to hurry: what it holds is waited for, half a lease at most, or the other leases of this process run out.
    void drain() const try {
        const auto until = std::chrono::steady_clock::now() + std::min(plan_.delay + plan_.jitter, plan_.lease / 2);
        while (count(RTNL_TC_QLEN) > 0 && std::chrono::steady_clock::now() < until)
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
    } catch (const std::runtime_error&) {
        // the target's namespace is gone, and what was held with it
    }

    HelperPlan plan_;
    unique_fd far_;  // the veth goes with this namespace
    int near_index_, far_index_ = 0;
    std::string device_;
    std::optional<Attachment> back_, turn_;
};

}  // namespace

bool netem_available() try {
    const unique_fd nowhere = make_netns();
    const InNetns inside(nowhere.get());
    const Socket socket = connect();
    return add_netem(socket.get(), kLoopback, HelperPlan{.delay = std::chrono::milliseconds(1)}) >= 0;
} catch (const Unfit&) {
    return false;
}

std::unique_ptr<Helper> make_netem_helper(int netns_fd, const HelperPlan& plan) {
    if (plan.delay + plan.jitter > kLongestOfNetem || !netem_available()) return nullptr;
    return std::make_unique<NetemHelper>(netns_fd, plan);
}

}  // namespace blackstart
