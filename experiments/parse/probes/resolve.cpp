#include "probes/resolve.h"

#include "experiments/parse/probes.h"

namespace blackstart {

template <> void describe_probe(Keys& keys, ResolveProbe& probe) {
    using enum ResolveProbe::Family;
    keys.about = "getaddrinfo, as an application would call it.";
    // `name` serves both: a probe called db.test looks db.test up, unless `query` says another name.
    keys.add("query", type::dns_name(), probe.name).otherwise("the probe's own name").says("name that is looked up");
    keys.add("family", type::choice<ResolveProbe::Family>("family", {{"any", any}, {"ipv4", ipv4}, {"ipv6", ipv6}}), probe.family)
        .otherwise("any")
        .says("address family");
}

}  // namespace blackstart
