#include "injector/meter.h"

#include <algorithm>
#include <string>

#include "injector/bpf/meter.h"
#include "injector/kernel/error.h"
#include "injector/kernel/stack.h"
#include "injector/packet_injection.h"
// After the headers of its structs.
#include "meter.skel.h"

namespace blackstart {
namespace {

constexpr std::uint16_t kDnsPort = 53;

::meter kernel_meter(const MeterPlan& plan, std::uint8_t tag) {
    ::meter out{};
    auto ports = plan.ports;
    if (plan.count == MeterPlan::Count::dns_queries && ports.empty()) ports = {kDnsPort};
    if (ports.size() > METER_PORTS) throw Misuse("a meter takes at most " + std::to_string(METER_PORTS) + " ports");
    out.count = static_cast<__u32>(plan.count);
    out.tag = tag;
    out.ports = static_cast<__u32>(ports.size());
    std::ranges::copy(ports, out.port);
    return out;
}

static_assert(static_cast<int>(MeterPlan::Count::http_requests) == METER_HTTP_REQUESTS);

Terms terms_of(std::chrono::nanoseconds duration) {
    Terms terms;
    terms.duration = duration;
    return terms;
}

}  // namespace

struct Meter::Impl {
    Impl(const MeterPlan& plan, const Target& target, std::chrono::nanoseconds duration)
        : tag(target.netns_inode), program("a meter", target, terms_of(duration)) {
        program->rodata->meter = kernel_meter(plan, tag.value());
        program.load();
        for (const auto& interface : target.interfaces) {
            program.place(interface, Direction::egress);
            // At ingress no cgroup is known; on lo what arrives has left before.
            if (target.cgroup.id == 0 && !interface.loopback) program.place(interface, Direction::ingress);
        }
        program.attach(target);
        program.arm(target);
    }
    StackTag tag;
    PacketInjection<meter_bpf> program;
};

Meter::Meter(const MeterPlan& plan, const Target& target, std::chrono::nanoseconds duration)
    : impl_(std::make_unique<Impl>(plan, target, duration)) {}
Meter::~Meter() = default;

std::uint64_t Meter::count() const { return impl_->program.tally().hits; }
bool Meter::renew() { return impl_->program.renew(); }

void Meter::footprint(Footprint& footprint) const { impl_->program.footprint(footprint); }

std::optional<Refusal> meter_unsupported() { return tcx_refusal(); }

}  // namespace blackstart
