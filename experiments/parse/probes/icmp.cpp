#include "probes/icmp.h"

#include "experiments/parse/probes.h"

namespace blackstart {
namespace {

std::string host_fault(const std::string& host) { return address_fault(host).empty() ? "" : dns_name_fault(host); }

}  // namespace

template <> void describe_probe(Keys& keys, IcmpProbe& probe) {
    keys.about = "One ping: an ICMP echo request, and its reply.";
    keys.add("to", type::in_ace(type::matching("HOST", host_fault)), probe.to).need().says("address or name");
}

}  // namespace blackstart
