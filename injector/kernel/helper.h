// A helper device: matching packets are redirected into it and come back from it later, so that no other packet sees a
// queue. Its BPF side is injector/bpf/helper.bpf.h.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "injector/kernel/histogram.h"
#include "injector/kernel/spread.h"

namespace blackstart {

struct HelperPlan {
    std::chrono::nanoseconds delay{0}, jitter{0};  // per packet: delay ± jitter, uniform, never below 0; at most kLongest together
    std::chrono::nanoseconds lease{0};
    std::uint64_t seed = 0;
    bool delay_line = false;            // force the user-space line where netem could serve; all that follows is the line's alone
    DelaySpread spread = {};            // of the jitter
    std::uint64_t rate = 0;             // bits a second, each way; 0: no limit
    std::chrono::nanoseconds queue{0};  // the longest wait before the rate: what would wait longer is dropped
    bool corrupt = false;               // a bit of each packet is flipped
    bool as_on_a_wire = false;          // the device takes no offload: packets come cut up and summed
    static constexpr std::chrono::nanoseconds kLongest = std::chrono::minutes(10);
};

class Helper {
public:
    // Detach what feeds it first. What it holds is sent on, then the device goes.
    virtual ~Helper() = default;
    Helper(const Helper&) = delete;
    Helper& operator=(const Helper&) = delete;

    // Attaches to the device, in the target's namespace, the program that puts packets back where they were, and, where the
    // helper has a far end, the one that turns them round there. The programs are not owned and must outlive the helper.
    virtual void attach(int netns_fd, int returned, int reflect) = 0;
    // The device, in the target's namespace.
    [[nodiscard]] virtual int ifindex() const = 0;
    [[nodiscard]] virtual const std::string& device() const = 0;  // its name
    // False when it has stood still for half a lease: the lease must not be renewed then.
    [[nodiscard]] virtual bool working() const = 0;
    // Packets that it delays now: taken in, not yet given back.
    [[nodiscard]] virtual std::uint64_t holding() const = 0;
    // Packets that it lost.
    [[nodiscard]] virtual std::uint64_t dropped() const = 0;
    // How long it really held those that it gave back; nothing where it does not know: `tc_index` is kept on the way then, so that the
    // programs can tell.
    [[nodiscard]] virtual std::optional<AppliedDelay> applied() const { return std::nullopt; }
    [[nodiscard]] virtual const char* name() const = 0;

protected:
    Helper() = default;
};

// Makes the device in a namespace and brings it up: netem behind a veth where the kernel has it, else a TAP with a delay
// line. The namespace is not pinned. To be made before the first link of a fault: a dying process closes its newest
// descriptors first, and the links must go before the device. Throws Unfit.
std::unique_ptr<Helper> make_helper(int netns_fd, const HelperPlan& plan);

// Whether this process may put netem on a device. Tries it on `lo` of a namespace made for that.
bool netem_available();
// Why there can be no TAP device here, as an errno; 0 if there can.
int tap_unavailable();

// The two kinds. nullptr: this kernel has no netem, or the delay is more than it can hold (270 s).
std::unique_ptr<Helper> make_netem_helper(int netns_fd, const HelperPlan& plan);
std::unique_ptr<Helper> make_delay_line_helper(int netns_fd, const HelperPlan& plan);

}  // namespace blackstart
