#include "injector/kernel/helper.h"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sys/ioctl.h>

#include <cerrno>
#include <cstring>
#include <optional>
#include <string>

#include "injector/kernel/attachment.h"
#include "injector/kernel/delay_line.h"
#include "injector/kernel/error.h"
#include "injector/kernel/links.h"
#include "injector/kernel/netns.h"

namespace blackstart {
namespace {

// include/uapi/linux/if_tun.h of Linux 6.2; Debian 12's header is older.
constexpr unsigned kUso4 = 0x20, kUso6 = 0x40;
constexpr unsigned kOffloads = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;
constexpr const char* kTapFix = "load the tun module; in a container, pass the device /dev/net/tun in";

// A TAP lives as long as its descriptor. Made in the namespace of the calling thread, which the descriptor pins.
unique_fd open_tap(bool as_on_a_wire) {
    unique_fd tap(::open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC));
    if (!tap) throw Unfit(std::string("cannot open /dev/net/tun: ") + std::strerror(errno), kTapFix);
    ifreq request{};
    std::strcpy(request.ifr_name, "bsd%d");
    request.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR;
    if (::ioctl(tap.get(), TUNSETIFF, &request) != 0) throw_errno("cannot make a TAP device", errno);
    if (as_on_a_wire) {
        if (::ioctl(tap.get(), TUNSETOFFLOAD, 0) != 0) throw_errno("cannot set the offloads of a TAP device", errno);
        return tap;
    }
    // USO is Linux 6.2; without it large UDP sends are cut up before they reach us.
    if (::ioctl(tap.get(), TUNSETOFFLOAD, kOffloads | kUso4 | kUso6) != 0 && ::ioctl(tap.get(), TUNSETOFFLOAD, kOffloads) != 0)
        throw_errno("cannot set the offloads of a TAP device", errno);
    return tap;
}

std::string name_of(const unique_fd& tap) {
    ifreq request{};
    if (::ioctl(tap.get(), TUNGETIFF, &request) != 0) throw_errno("cannot read the name of a TAP device", errno);
    return request.ifr_name;
}

// Made in a namespace that nobody sees: in the target's own the descriptor would pin a dead container's namespace, in the host's
// a device that comes and goes would wake network managers.
unique_fd open_tap_in(int netns_fd, bool as_on_a_wire) {
    const unique_fd nowhere = make_netns();
    unique_fd tap;
    {
        const InNetns inside(nowhere.get());
        tap = open_tap(as_on_a_wire);
    }
    move_link(nowhere.get(), name_of(tap), netns_fd);
    return tap;
}

class DelayLineHelper : public Helper {
public:
    DelayLineHelper(int netns_fd, const HelperPlan& plan)
        : tap_(open_tap_in(netns_fd, plan.as_on_a_wire)), device_(name_of(tap_)), ifindex_(raise_helper(netns_fd, device_)) {
        line_.emplace(tap_.get(),
                      DelayLine::Plan{plan.delay, plan.jitter, plan.lease, plan.seed, plan.spread, plan.rate, plan.queue, plan.corrupt});
    }
    ~DelayLineHelper() override { line_.reset(); }  // it sends on what it holds, which still finds its way back

    void attach(int netns_fd, int returned, int) override { back_.emplace(returned, netns_fd, ifindex_, Direction::ingress); }
    [[nodiscard]] int ifindex() const override { return ifindex_; }
    [[nodiscard]] const std::string& device() const override { return device_; }
    [[nodiscard]] bool working() const override { return line_->fresh(); }
    [[nodiscard]] std::uint64_t holding() const override { return line_->holding(); }
    // What overflowed the device's own queue never got to the line.
    [[nodiscard]] std::uint64_t dropped() const override {
        const unique_fd netns(::ioctl(tap_.get(), TUNGETDEVNETNS));
        return line_->dropped() + (netns ? refused_packets(netns.get(), ifindex_) : 0);
    }
    [[nodiscard]] std::optional<AppliedDelay> applied() const override { return line_->applied(); }
    [[nodiscard]] const char* name() const override { return "delay line"; }

private:
    unique_fd tap_;
    std::string device_;
    int ifindex_;
    std::optional<Attachment> back_;
    std::optional<DelayLine> line_;
};

}  // namespace

int tap_unavailable() {
    const unique_fd tap(::open("/dev/net/tun", O_RDWR | O_CLOEXEC));
    return tap ? 0 : errno;
}

std::unique_ptr<Helper> make_delay_line_helper(int netns_fd, const HelperPlan& plan) {
    return std::make_unique<DelayLineHelper>(netns_fd, plan);
}

std::unique_ptr<Helper> make_helper(int netns_fd, const HelperPlan& plan) {
    if (!plan.delay_line)
        if (auto helper = make_netem_helper(netns_fd, plan)) return helper;
    return make_delay_line_helper(netns_fd, plan);
}

}  // namespace blackstart
