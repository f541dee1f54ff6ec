// Who really sends the DNS queries of this host's programs.
#pragma once

#include <string>
#include <vector>

namespace blackstart {

// What a dns fault has to know, for people; empty if programs ask their servers themselves. Reads etc/nsswitch.conf,
// etc/resolv.conf and run/nscd/socket under `root`.
std::vector<std::string> resolver_path(const std::string& root = "/");

}  // namespace blackstart
