// A load of HTTP requests, to see what a service, or the throttle before it, makes of too many.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace blackstart {

// GET requests for `url` from the target's namespace, open loop: request n is due at n/rate, whether or not earlier ones were
// answered; one that is due and cannot begin in time is counted, not put off. Each has a connection of its own and five seconds;
// certificates are not checked. At most 4096 are in flight.
//
// Only addresses on the networks of the target's interfaces are loaded, its own among them, and those within `to`: a URL that leads
// elsewhere is refused, wherever its name resolves to.
//
// Tally: `matched` counts requests due, `hits` those that were sent, `unseen` those that were not (no connection), `dropped` those
// that were due while too many were in flight, or over a second ago.
struct SurgeFault {
    static constexpr const char* kind = "surge";
    static constexpr const char* way = "HTTP requests, open loop";
    static constexpr std::uint32_t most = 20'000;

    std::string url;              // http:// or https://
    std::uint32_t rate = 0;       // requests a second, 1..most
    std::vector<std::string> to;  // addresses, CIDRs
};

// Throws Misuse for what cannot be, wherever it is asked.
void check(const SurgeFault& fault);

}  // namespace blackstart
