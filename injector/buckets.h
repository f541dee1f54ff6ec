// Tables of hashes that the programs look up in two cache lines at most (injector/bpf/dns.h).
#pragma once

#include <cstdint>
#include <vector>

#include "injector/bpf/dns.h"

namespace blackstart {

// Each hash, none of them 0, in one of its two buckets. As small as it can be: what fits in the cache is found at once. `mask` is the
// number of buckets, a power of two, less one.
std::vector<dns_bucket> bucket_table(const std::vector<std::uint64_t>& hashes, std::uint32_t& mask);

}  // namespace blackstart
