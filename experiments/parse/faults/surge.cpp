#include "injector/surge.h"

#include "experiments/parse/faults.h"

namespace blackstart {

template <> void describe(Keys& keys, SurgeFault& fault) {
    keys.about = "Load a service with HTTP requests at a fixed rate, to test throttles.";
    keys.example = "blackstart inject surge --url http://10.0.0.20/ --rate 500 --netns client --for 10s";
    keys.add("url", type::url(), fault.url).need().says("what is asked for, from the target's namespace");
    keys.add("rate", type::whole<std::uint32_t>(1, SurgeFault::most), fault.rate).need().says("requests a second");
    keys.add("to", type::list(type::network()), fault.to)
        .otherwise("the target's own networks")
        .says("address or CIDR beyond those, to be loaded as well");
}

}  // namespace blackstart
