#include "injector/partition.h"

#include "experiments/parse/faults.h"
#include "experiments/parse/faults/match.h"

namespace blackstart {

template <> void describe(Keys& keys, PartitionFault& fault) {
    keys.about = "Let nothing through that matches; all else passes.";
    keys.example = "blackstart inject partition --to 192.0.2.0/24 --direction both --for 30s";
    describe_match(keys, fault.match);
    keys.add("reject", type::flag(), fault.reject).says("tell the sender: RST, or ICMP unreachable");
    using enum PartitionFault::Established;
    keys.add("established", type::choice<PartitionFault::Established>("established", {{"keep", keep}, {"cut", cut}, {"stall", stall}}),
             fault.established)
        .otherwise("stall")
        .says("open TCP connections: keep, cut or stall");
}

}  // namespace blackstart
