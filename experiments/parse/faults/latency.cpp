#include "injector/latency.h"

#include "experiments/parse/faults.h"
#include "experiments/parse/faults/match.h"

namespace blackstart {

template <> void describe(Keys& keys, LatencyFault& fault) {
    keys.about = "Delay each packet that matches; all others are untouched.";
    keys.example = "blackstart inject latency --to 192.0.2.0/24 --delay 100ms --for 30s";
    describe_match(keys, fault.match);
    keys.add("delay", type::duration(), fault.delay).need().says("how long each packet is held back");
    keys.add("jitter", type::duration(type::Zero::allowed), fault.jitter).otherwise("0s").says("spread: uniform in delay ± jitter");
    keys.add("delay_line", type::flag(), fault.delay_line).says("force the user-space delay line over netem");
    keys.later({"distribution", "skip_handshake"});
}

}  // namespace blackstart
