// Is a lab service up? One bounded look at a time, from inside the service's own host.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "experiments/experiment.h"

namespace blackstart {

// `hosts` are the names that an address may use besides literal ones. Throws Misuse for a check that cannot be read
// ("10.0.0.1:80", "[fd00::1]:80", "web:80"; "http://web:8080/path"; a DNS server without a port is at 53).
//   tcp: a connection is accepted. http: any 2xx. dns: any reply, whatever its rcode, to version.bind TXT in class CH,
//   which a server answers or refuses by itself, without asking another.
bool is_ready(const Ready& ready, int netns_fd, const std::map<std::string, std::vector<std::string>>& hosts,
              std::chrono::milliseconds patience);

// For people: "tcp 10.0.0.1:80".
std::string to_string(const Ready& ready);

}  // namespace blackstart
