#include "probes/tcp.h"

#include "experiments/parse/probes.h"

namespace blackstart {

template <> void describe_probe(Keys& keys, TcpProbe& probe) {
    keys.about = "A TCP connection, and optionally the first bytes that the server sends.";
    keys.add("address", type::endpoint(), probe.address).need().says("address:port or [v6]:port");
    keys.nested("expect",
                [&probe](Keys& expect) { expect.add("banner", type::text(), probe.banner).says("a text that the first bytes contain"); })
        .says("what makes one observation ok");
}

}  // namespace blackstart
