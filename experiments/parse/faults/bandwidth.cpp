#include "injector/bandwidth.h"

#include "experiments/parse/faults.h"
#include "experiments/parse/faults/match.h"
#include "experiments/parse/rate.h"

namespace blackstart {

template <> void describe(Keys& keys, BandwidthFault& fault) {
    keys.about = "Let what matches through no faster than at a rate, each way.";
    keys.example = "blackstart inject bandwidth --to 192.0.2.0/24 --rate 10mbit --for 30s";
    describe_match(keys, fault.match);
    keys.add("rate", type::rate(BandwidthFault::kLeast, BandwidthFault::kMost), fault.rate).need().says("bits a second: 500kbit, 10mbit");
    keys.add("queue", type::duration(), fault.queue).otherwise("200ms").says("longest wait; what would wait longer is dropped");
}

}  // namespace blackstart
